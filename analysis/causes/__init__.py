"""Is what is readable also used? From which positions, until which layer, and carried where?"""
