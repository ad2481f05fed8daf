"""Does the statistics package do what it claims? Every claim simulated, with its bound."""
