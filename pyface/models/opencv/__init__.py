"""The models of OpenCV's zoo: YuNet and SFace, from their ONNX files to graphs of our own."""
