"""What would a study find? Its own procedure on simulated scenes, before it is run."""
