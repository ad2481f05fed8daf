"""Claims of the statistics, each as a simulation with its bound."""
