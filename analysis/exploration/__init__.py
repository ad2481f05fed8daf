"""The page on which single items are looked at: what it shows, and how it is packed and drawn."""
