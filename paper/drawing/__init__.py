"""Drawing functions that only the paper needs: axes and results in, nothing loaded or saved."""
