"""Interventions on the residual stream: edits, passes that go on from them, cuts of attention."""
