"""Numbers as tables, sentences and figures; the drawing functions that commands and paper share."""
