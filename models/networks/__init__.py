"""The published networks, and what all networks are built from; plain PyTorch. The field network and its kind are in
`models.architectures`.

blocks.py     convolutions, one step up, first weights
encoders.py   plain, VGG-19, ResNet-18/34/50
inception.py  Inception-v3
unet.py       the straight decoder and the nested one of U-Net++
published.py  every published network by its name, and what a network costs
"""
