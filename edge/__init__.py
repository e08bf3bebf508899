"""The appliance: composes camera, network, radio, fusion, guard and publishing."""
