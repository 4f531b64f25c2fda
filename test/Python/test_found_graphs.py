"""Faults that random graphs (test/Fuzz) found, each as small as it gets."""
import ml_dtypes
import numpy as np
import onnx.parser
import pytest
from onnx import TensorProto, helper, numpy_helper

import tenon.backend


def run(nodes, feeds, output, constants=None, opset=21, dims=None):
    """`output` of a graph of `nodes`: (name, TensorProto type, shape). `dims`: of feeds that are not declared as they are."""
    inputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype),
                                            (dims or {}).get(name, array.shape)) for name, array in feeds.items()]
    graph = helper.make_graph(nodes, "found", inputs, [helper.make_tensor_value_info(*output)],
                              [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return tenon.backend.run_model(model, list(feeds.values()))[0]


def test_initializer_of_four_bits_is_read_where_it_is_defined():
    q, scale = np.array([[7], [-1], [3], [-8]], ml_dtypes.int4), np.float32([[0.5], [0.25]])
    node = helper.make_node("DequantizeLinear", ["q", "s"], ["y"], axis=0, block_size=2)
    y = run([node], {}, ("y", TensorProto.FLOAT, [4, 1]), {"q": q, "s": scale})
    np.testing.assert_array_equal(y, np.float32([[3.5], [-0.5], [0.75], [-2]]))


def test_cast_of_one_constant_to_float8_saturates():
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.FLOAT8E4M3FNUZ)
    y = run([node], {}, ("y", TensorProto.FLOAT8E4M3FNUZ, [1]), {"x": np.float32([-379.4])})
    assert float(y[0]) == -240


def test_constant_of_shape_of_four_bits():
    value = numpy_helper.from_array(np.array([3], ml_dtypes.int4))
    node = helper.make_node("ConstantOfShape", ["s"], ["y"], value=value)
    y = run([node], {}, ("y", TensorProto.INT4, [2]), {"s": np.int64([2])})
    assert y.astype(np.int32).tolist() == [3, 3]


def test_mish_in_16_bits_rounds_once():
    node = helper.make_node("Mish", ["x"], ["y"])
    y = run([node], {"x": np.float16([-4.5])}, ("y", TensorProto.FLOAT16, [1]))
    np.testing.assert_allclose(y, np.float16([-0.04971]), rtol=1e-3)


def test_cubic_sampling_between_the_last_pixel_and_the_border():
    x = np.float32([[[[4, 2]]]])
    grid = np.float32([[[[0.875, 0]]]])  # pixel 1.375
    node = helper.make_node("GridSample", ["x", "g"], ["y"], mode="cubic", padding_mode="border")
    y = run([node], {"x": x, "g": grid}, ("y", TensorProto.FLOAT, [1, 1, 1, 1]))
    t, a = 0.375, -0.75
    weight = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a  # of pixel 0; the other taps are pixel 1
    np.testing.assert_allclose(y.ravel(), [4 * weight + 2 * (1 - weight)], rtol=1e-5)


def test_large_integers_times_an_extent_wrap():
    nodes = [helper.make_node("Shape", ["x"], ["s"]), helper.make_node("Mul", ["s", "c"], ["y"])]
    y = run(nodes, {"x": np.zeros((3, 5), np.float32)}, ("y", TensorProto.INT64, [2]), {"c": np.int64([2 ** 62])})
    assert y.tolist() == [3 * 2 ** 62 - 2 ** 64, 2 ** 62]


def test_cast_of_a_large_known_integer_wraps():
    node = helper.make_node("Cast", ["c"], ["y"], to=TensorProto.INT32)
    y = run([node], {}, ("y", TensorProto.INT32, [1]), {"c": np.int64([2 ** 33 + 7])})
    assert y.tolist() == [7]


def test_padding_with_an_integer_that_no_double_holds():
    node = helper.make_node("Pad", ["x", "p", "v"], ["y"])
    large = 2 ** 61 + 1
    y = run([node], {"x": np.int64([5])}, ("y", TensorProto.INT64, [3]), {"p": np.int64([1, 1]), "v": np.int64(large)})
    assert y.tolist() == [large, 5, large]


def test_backward_slice_of_nothing_is_nothing():
    node = helper.make_node("Slice", ["x", "s", "e", "a", "t"], ["y"])
    constants = dict(zip("seat", (np.int64([value]) for value in (2 ** 31, -2 ** 31, 0, -1)), strict=True))
    for dims in ([0, 8], ["N", 8]):
        graph = helper.make_graph([node], "found", [helper.make_tensor_value_info("x", TensorProto.UINT8, dims)],
                                  [helper.make_tensor_value_info("y", TensorProto.UINT8, [None, 8])],
                                  [numpy_helper.from_array(array, name) for name, array in constants.items()])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        assert tenon.backend.run_model(model, [np.zeros((0, 8), np.uint8)])[0].shape == (0, 8)


def test_scatter_elements_of_updates_whose_extents_are_open():
    node = helper.make_node("ScatterElements", ["x", "i", "u"], ["y"], axis=1)
    y = run([node], {"x": np.int64([[1, 2, 3]]), "u": np.int64([[7, 8]])}, ("y", TensorProto.INT64, [1, 3]),
            {"i": np.int64([[2, 0]])}, dims={"u": ["N", 2]})
    assert y.tolist() == [[8, 2, 7]]


def test_scatter_by_indices_whose_last_extent_is_open():
    node = helper.make_node("ScatterND", ["x", "i", "u"], ["y"])
    feeds = {"i": np.int64([[1, 0], [0, 1]]), "u": np.float32([5, 6])}
    y = run([node], feeds, ("y", TensorProto.FLOAT, [2, 2]), {"x": np.zeros((2, 2), np.float32)}, dims={"i": ["N", "N"]})
    assert y.tolist() == [[0, 6], [5, 0]]
    with pytest.raises(tenon.Error, match="as many elements as the rank of updates tells"):
        run([node], {"i": feeds["i"][:, :1], "u": feeds["u"]}, ("y", TensorProto.FLOAT, [2, 2]),
            {"x": np.zeros((2, 2), np.float32)}, dims={"i": ["N", "M"]})


def test_grid_whose_last_extent_is_open():
    node = helper.make_node("GridSample", ["x", "g"], ["y"])
    y = run([node], {"g": np.float32([[[[0, 0]]]])}, ("y", TensorProto.FLOAT, [1, 1, 1, 1]),
            {"x": np.float32([[[[1, 2], [3, 6]]]])}, dims={"g": [1, 1, 1, "R"]})
    assert y.ravel().tolist() == [3]


def test_batch_normalization_of_several_types():
    x, v = np.float16([[[1, 2], [3, 4]]]), np.float32([2, 3])
    node = helper.make_node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"], epsilon=1.0)
    y = run([node], {"x": x, "s": v, "b": v, "m": v, "v": v}, ("y", TensorProto.FLOAT16, [1, 2, 2]))
    column = v[None, :, None]
    np.testing.assert_allclose(y, (x - column) / np.sqrt(column + 1) * column + column, rtol=1e-3)


def test_rms_normalization_of_several_types_has_that_of_the_scale():
    x, scale = np.float64([[1, 7]]), np.float32([2, 3])
    node = helper.make_node("RMSNormalization", ["x", "s"], ["y"], epsilon=1.0)
    y = run([node], {"x": x, "s": scale}, ("y", TensorProto.FLOAT, [1, 2]), opset=23)
    np.testing.assert_allclose(y, x / np.sqrt(26) * scale, rtol=1e-6)


def test_normalisation_over_extents_of_one_and_a_row_that_is_repeated():
    x = np.arange(-10, 14, dtype=np.float32).reshape(4, 1, 2, 1, 3)
    row = np.float32([0.5, -0.25, 0]).reshape(1, 1, 1, 1, 3)
    nodes = [helper.make_node("RMSNormalization", ["x", "s"], ["n"], axis=0), helper.make_node("Max", ["n", "r"], ["y"])]
    y = run(nodes, {"x": x, "r": row}, ("y", TensorProto.FLOAT, x.shape), {"s": np.ones(x.shape, np.float32)}, opset=23)
    np.testing.assert_allclose(y, np.maximum(x / np.sqrt(np.mean(x * x) + 1e-5), row), rtol=1e-5)


def test_rotary_embedding_and_attention_of_heads_whose_extent_is_open():
    x = np.float32([[[[1, 2, 3, 4]]]])
    node = helper.make_node("RotaryEmbedding", ["x", "c", "s"], ["y"])
    y = run([node], {"x": x}, ("y", TensorProto.FLOAT, x.shape),
            {"c": np.zeros((1, 1, 2), np.float32), "s": np.ones((1, 1, 2), np.float32)}, opset=23, dims={"x": [1, 1, 1, "N"]})
    assert y.ravel().tolist() == [-3, -4, 1, 2]
    node = helper.make_node("Attention", ["q", "k", "v"], ["y"], q_num_heads=2, kv_num_heads=2)
    q, v = np.ones((1, 1, 4), np.float32), np.float32([[[5, 6, 7, 8]]])
    y = run([node], {"q": q, "k": q, "v": v}, ("y", TensorProto.FLOAT, [1, 1, 4]), opset=23, dims={"q": [1, 1, "N"]})
    assert y.ravel().tolist() == [5, 6, 7, 8]


def test_loop_without_iterations_scans_extents_that_are_open():
    text = """<ir_version: 10, opset_import: ["": 21]> g (float[N, 2] x, int64 m) => (float[A, 2] y) {
        last, all = Loop (m, , x) <body = b (int64 i, bool c, float[P, 2] s) => (bool d, float[P, 2] t, float[P, 2] u) {
            d = Identity (c)
            t = Abs (x)
            u = Neg (x)
        }>
        y = ReduceSum <keepdims = 0> (all, axes)
    }"""
    model = onnx.parser.parse_model(text.replace("=> (float[A, 2] y) {", "=> (float[A, 2] y) <int64[1] axes = {0}> {"))
    x = np.ones((3, 2), np.float32)
    for count in (0, 2):
        y = tenon.backend.run_model(model, [x, np.int64(count)])[0]
        np.testing.assert_array_equal(y, -count * x)


def test_global_lp_pool():
    x = np.float32([[[3, 4], [-1, 1]]])
    for p, expected in ((1, [7, 2]), (2, [5, 2 ** 0.5]), (3, [91 ** (1 / 3), 2 ** (1 / 3)])):
        node = helper.make_node("GlobalLpPool", ["x"], ["y"], p=p)
        y = run([node], {"x": x}, ("y", TensorProto.FLOAT, [1, 2, 1]))
        np.testing.assert_allclose(y.ravel(), expected, rtol=1e-6)


def test_slice_to_the_largest_integer_along_an_axis_that_is_fed():
    nodes = [helper.make_node("TopK", ["x", "k"], ["t", "i"], axis=0, largest=0),
             helper.make_node("Slice", ["t", "s", "e", "a"], ["y"])]
    x = np.float32([[4, 1, 5], [2, 3, 6]])
    y = run(nodes, {"x": x, "k": np.int64([1]), "a": np.int64([-1])}, ("y", TensorProto.FLOAT, [None, None]),
            {"s": np.int64([-2]), "e": np.int64([2 ** 63 - 1])})
    assert y.tolist() == [[1, 5]]
    nodes[1].input.append("p")
    y = run(nodes, {"x": x, "k": np.int64([1]), "a": np.int64([0]), "p": np.int64([1])},
            ("y", TensorProto.FLOAT, [None, None]), {"s": np.int64([0]), "e": np.int64([2 ** 63 - 1])})
    assert y.tolist() == [[2, 1, 5]]


def test_slice_to_the_largest_integer_by_bounds_that_are_fed():
    x = np.float32([[4, 1, 5], [2, 3, 6]])
    fed = {"s": np.int64([-2]), "e": np.int64([2 ** 63 - 1]), "a": np.int64([-1]), "p": np.int64([1])}
    y = run([helper.make_node("Slice", ["x", "s", "e", "a"], ["y"])], {"x": x, **{k: fed[k] for k in "sea"}},
            ("y", TensorProto.FLOAT, [None, None]))
    assert y.tolist() == [[1, 5], [3, 6]]
    y = run([helper.make_node("Slice", ["x", "s", "e", "", "p"], ["y"])], {"x": x, **{k: fed[k] for k in "sep"}},
            ("y", TensorProto.FLOAT, [None, None]))
    assert y.tolist() == x.tolist()


def test_expand_by_a_fed_shape_keeps_extents_where_it_says_1():
    node = helper.make_node("Expand", ["x", "s"], ["y"])
    x = np.float32([[1], [2]])
    y = run([node], {"x": x, "s": np.int64([1, 3])}, ("y", TensorProto.FLOAT, [None, None]), dims={"x": ["N", 1]})
    assert y.tolist() == [[1, 1, 1], [2, 2, 2]]
    with pytest.raises(tenon.Error, match="equal extents"):
        run([node], {"x": x[:1], "s": np.int64([4, 3])}, ("y", TensorProto.FLOAT, [None, None]), dims={"x": ["N", 1]})


def test_known_integer_through_float8_is_rounded():
    nodes = [helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT8E5M2), helper.make_node("Cast", ["f"], ["y"], to=1)]
    assert run(nodes, {}, ("y", TensorProto.FLOAT, [1]), {"x": np.float32([142])}).tolist() == [128]
