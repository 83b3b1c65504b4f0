"""ONNX files: constants are read as the package onnx reads them, and dequantised as ONNX Runtime does."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from spnst_core.models.onnx_file import dequantised


def graph(constants, nodes):
    """A model file's bytes."""
    held = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    return helper.make_model(helper.make_graph(nodes, "net", [], [output], held)).SerializeToString()


def dequantising(*names, **attributes):
    return helper.make_node("DequantizeLinear", names[:3], [names[3]], **attributes)


def test_constants_are_dequantised_channel_by_channel_or_as_a_whole(tmp_path):
    random = np.random.default_rng(0)
    constants = {
        "w": random.integers(-128, 128, (4, 3, 2, 2), np.int8),
        "w_scale": random.random(4, np.float32),
        "w_zero": np.int8([0, 1, -2, 3]),
        "b": random.integers(-(2**30), 2**30, 4, np.int32),
        "b_scale": random.random(4, np.float32),
        "b_zero": np.zeros(4, np.int32),
        "e": np.int8([[7]]),
        "e_scale": np.float32(0.5),
        "e_zero": np.int8(5),
        "other": np.float32([1, 2]),
    }
    nodes = [
        dequantising("w", "w_scale", "w_zero", "conv/weights_dequant", axis=0),
        dequantising("b", "b_scale", "b_zero", "conv/bias_dequant", axis=0),
        dequantising("e", "e_scale", "e_zero", "epsilon"),
        helper.make_node("Add", ["conv/bias_dequant", "conv/bias_dequant"], ["sum"]),
        dequantising("sum", "e_scale", "e_zero", "y"),  # of no constant
    ]
    (tmp_path / "net.onnx").write_bytes(graph(constants, nodes))
    found = dequantised(tmp_path / "net.onnx")
    assert list(found) == ["conv/weights", "conv/bias", "epsilon"]
    zero, scale = (constants[name].reshape(4, 1, 1, 1).astype(np.float64) for name in ("w_zero", "w_scale"))
    np.testing.assert_allclose(found["conv/weights"], (constants["w"] - zero) * scale, rtol=1e-6)
    np.testing.assert_allclose(found["conv/bias"], constants["b"] * constants["b_scale"].astype(np.float64), rtol=1e-6)
    np.testing.assert_array_equal(found["epsilon"], np.float32([[1]]))
    assert {array.dtype for array in found.values()} == {np.dtype("float32")}


def test_the_published_files_are_read_as_the_package_onnx_reads_them(magenta_files):
    for file in magenta_files.values():
        model = onnx.load(file)
        constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        nodes = [node for node in model.graph.node if node.op_type == "DequantizeLinear" and node.input[0] in constants]
        found = dequantised(file)
        assert list(found) == [node.output[0].removesuffix("_dequant") for node in nodes]
        for node, array in zip(nodes, found.values(), strict=True):
            assert all(attribute.name == "axis" and attribute.i == 0 for attribute in node.attribute)
            values, scale, _ = (constants[name] for name in node.input)
            np.testing.assert_allclose(array, values * np.reshape(scale, (-1, *(1,) * (values.ndim - 1))), rtol=1e-6)


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"not a model", b"\x3a\x05ab", b"PK\x03\x04 a wheel"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(ValueError, match="it isn't an ONNX file"):
        dequantised(tmp_path / "net.onnx")


def test_a_file_without_quantised_constants_is_refused(tmp_path):
    (tmp_path / "net.onnx").write_bytes(graph({"a": np.float32([1])}, [helper.make_node("Add", ["a", "a"], ["y"])]))
    with pytest.raises(ValueError, match="it isn't an ONNX file with quantised constants"):
        dequantised(tmp_path / "net.onnx")
