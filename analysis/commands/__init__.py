"""What the command lines share: options, study files, and the run that they open."""
