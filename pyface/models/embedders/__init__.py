"""Embedders of many makers that run from ONNX files as they are, one file of code for each family."""
