"""Everything that makes and runs the network. The torch-free part (contract, preprocess, postprocess, engine_onnx) is what the box imports."""
