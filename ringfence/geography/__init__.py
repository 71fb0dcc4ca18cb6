"""England's authorities, with their dates and successors, and every postcode. Loaded, never edited.

``resolve`` answers questions, ``load`` fills the tables, ``atlas`` holds the few hundred areas as plain values.
"""
