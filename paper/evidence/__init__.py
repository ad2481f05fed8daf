"""What the runs hold: records checked on reading, studies by name, and numbers as traced text."""
