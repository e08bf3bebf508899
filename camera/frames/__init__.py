"""What makes a raw frame true to the light: darks, hot photosites, shading.

hot        photosites that shine without light: lone in one frame, learned over many
"""
