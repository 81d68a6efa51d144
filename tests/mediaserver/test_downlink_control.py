"""The down-link's choices on the real packet path: layers, limits relayed, what one member's feedback may do."""

LAYER_SSRCS = (2001, 2003, 2005)
