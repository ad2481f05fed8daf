"""Why not stated bits? Three simulated worlds with the same knowledge, stated more or less
loudly."""
