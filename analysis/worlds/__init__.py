"""Why not stated bits? Three simulated worlds that know the same, and say it unlike loudly."""
