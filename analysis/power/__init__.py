"""What would a study find? Runs its own procedure on simulated scenes, before the study is run."""
