"""What makes a raw frame true to the light: darks, hot photosites, shading.

dark       a master dark from frames with the cap on
flat       the lens's shading, measured by stars
masters    darks as files, and what is done to a frame with them
hot        photosites that shine without light: lone in one frame, learned over many
"""
