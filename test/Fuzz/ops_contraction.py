"""Products, convolutions, pools, resampling, attention."""
import numpy as np

import element_types as et
from maker import Reject
from ops_reduction import image
from registry import op

_PRODUCTS = et.FLOATS + (et.I32, et.I64, et.U32)


@op("MatMul", weight=2.0)
def matmul(m, name):
    x = m.tensor(_PRODUCTS, rank=(1, 5), low=-30, high=30)
    inner = x.shape[-1]
    shape = [inner] if m.chance(0.15) else [inner, m.extent()]
    if len(shape) == 2 and x.rank > 2 and m.chance(0.4):
        batch = [extent if m.chance(0.7) else 1 for extent in x.shape[:-2]]
        shape = batch[m.integer(0, len(batch)):] + shape
    elif x.rank <= 2 and len(shape) == 2 and m.chance(0.2):
        shape = [m.one_of((1, 2, 3))] + shape
    y = m.tensor((x.dtype,), shape=shape, low=-30, high=30) if m.chance(0.4) else m.weight(
        x.dtype, shape, *((-1, 1) if et.is_float(x.dtype) else (0, 5)))
    m.emit(name, [x, y])


@op("Gemm", weight=1.5)
def gemm(m, name):
    x = m.tensor(et.FLOATS, rank=(2, 2), low=-30, high=30)
    a, b = m.chance(0.3), m.chance(0.4)
    rows, inner = x.shape[::-1] if a else x.shape
    columns = m.extent()
    operands = [x, m.weight(x.dtype, (columns, inner) if b else (inner, columns))]
    if m.chance(0.7):
        operands.append(m.weight(x.dtype, m.one_of(((rows, columns), (columns,), (1, columns), (rows, 1), (), (1,)))))
    more = {}
    if m.chance(0.3):
        more["alpha"] = 0.5
    if m.chance(0.3):
        more["beta"] = 0.25
    m.emit(name, operands, transA=int(a), transB=int(b), **more)


@op("Einsum", weight=0.7)
def einsum(m, name):
    i, j, k, b = (m.one_of((1, 2, 3, 7)) for _ in range(4))
    sizes = dict(i=i, j=j, k=k, b=b)
    equation = m.one_of(("ij,jk->ik", "bij,bjk->bik", "ij->ji", "ij->i", "ij->", "bi,bj->bij", "bij,bkj->bik", "i,i->",
                         "ij,ij->ij", "bij->bi", "ii->i", "bij,jk->bik", "ijk,jk->ik", "...ij,...jk->...ik", "i,j->ij"))
    left = equation.split("->")[0].replace("...", "")
    types = (et.F32, et.F32, et.F64)
    first = None
    operands = []
    for term in left.split(","):
        x = m.tensor(types if first is None else (first,), shape=[sizes[letter] for letter in term], low=-10, high=10)
        first = x.dtype
        operands.append(x)
    m.emit(name, operands, equation=equation)


def _window(m, x, kernel=(1, 2, 3)):
    """Attributes of a window over the spatial dimensions of `x`."""
    dims = x.rank - 2
    more = {"kernel_shape": [m.one_of(kernel) for _ in range(dims)]}
    if m.chance(0.5):
        more["strides"] = [m.one_of((1, 2, 3)) for _ in range(dims)]
    way = m.rng.random()
    if way < 0.4:
        more["pads"] = [m.integer(0, max(0, k - 1)) for k in more["kernel_shape"] * 2]
    elif way < 0.6:
        more["auto_pad"] = m.one_of(("SAME_UPPER", "SAME_LOWER", "VALID"))
    _need_room(m, x, more)
    return more


def _need_room(m, x, more):
    """A window that is larger than the padded image has no results, or one by a division that rounds to zero. Where SAME
    would take away from the image, ONNX Runtime refuses, and the reference shifts it."""
    dims = x.rank - 2
    pads, dilations = more.get("pads", [0] * (2 * dims)), more.get("dilations", [1] * dims)
    if more.get("auto_pad", "VALID") != "VALID":
        for extent, kernel, stride in zip(x.shape[2:], more["kernel_shape"], more.get("strides", [1] * dims)):
            if extent and (extent - 1) // stride * stride + kernel < extent:
                raise Reject("negative padding")
        return
    for i in range(dims):
        if (more["kernel_shape"][i] - 1) * dilations[i] >= x.shape[2 + i] + pads[i] + pads[dims + i]:
            raise Reject("window larger than image")


@op("Conv", weight=2.0)
def conv(m, name):
    x = image(m, et.WIDE_FLOATS)
    more = _window(m, x)
    channels = x.shape[1]
    groups = channels if m.chance(0.25) else m.one_of([g for g in range(1, channels + 1) if channels % g == 0])
    outputs = groups * m.one_of((1, 2, 3))
    if m.chance(0.3) and more.get("auto_pad", "VALID") == "VALID":
        more["dilations"] = [m.one_of((1, 2)) for _ in more["kernel_shape"]]
        _need_room(m, x, more)
    operands = [x, m.weight(x.dtype, [outputs, channels // groups] + more["kernel_shape"])]
    if m.chance(0.6):
        operands.append(m.weight(x.dtype, (outputs,)))
    if m.chance(0.3):
        del more["kernel_shape"]
    m.emit(name, operands, group=groups, **more)


@op("ConvTranspose", weight=0.8)
def conv_transpose(m, name):
    x = image(m, (et.F32,), spatial=m.one_of((1, 2, 2)))
    more = _window(m, x)
    if "auto_pad" in more and more["auto_pad"] != "VALID":
        del more["auto_pad"]
    channels = x.shape[1]
    groups = m.one_of([g for g in range(1, channels + 1) if channels % g == 0])
    outputs = m.one_of((1, 2, 3))
    strides = more.get("strides", [1] * (x.rank - 2))
    if m.chance(0.3):
        more["output_padding"] = [m.integer(0, stride - 1) for stride in strides]
    if m.chance(0.3):
        more["dilations"] = [m.one_of((1, 2)) for _ in strides]
    operands = [x, m.weight(x.dtype, [channels, outputs] + more["kernel_shape"])]
    if m.chance(0.5):
        operands.append(m.weight(x.dtype, (outputs * groups,)))
    m.emit(name, operands, group=groups, **more)


@op("MaxPool", "AveragePool")
def pool(m, name):
    types = et.WIDE_FLOATS + ((et.I8, et.U8) if name == "MaxPool" else ())
    x = image(m, types)
    more = _window(m, x)
    if m.chance(0.25) and "auto_pad" not in more:
        more["ceil_mode"] = 1
    if name == "AveragePool" and m.chance(0.4):
        more["count_include_pad"] = 1
    if (name == "MaxPool" or m.opset >= 19) and m.chance(0.25) and "auto_pad" not in more:
        more["dilations"] = [m.one_of((1, 2)) for _ in more["kernel_shape"]]
        _need_room(m, x, more)
    m.emit(name, [x], exact=name == "MaxPool", **more)


@op("LpPool", weight=0.3)
def lp_pool(m, name):
    more = _window(m, x := image(m, (et.F32,)))
    m.emit(name, [x], p=m.one_of((1, 2)), **more)


@op("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", weight=0.4)
def global_pool(m, name):
    m.emit(name, [image(m, (et.F32,) if name == "GlobalLpPool" else et.WIDE_FLOATS)], exact=name == "GlobalMaxPool")


@op("Resize", weight=0.8)
def resize(m, name):
    # Not f64: ONNX Runtime computes its coordinates in f32, and the reference of ONNX those of a single row otherwise.
    x = image(m, (et.F32,), spatial=m.one_of((1, 2, 2)))
    mode = m.one_of(("nearest", "linear", "cubic") if x.rank == 4 else ("nearest", "linear"))
    more = {"mode": mode, "coordinate_transformation_mode": m.one_of(
        ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"))}
    if mode == "nearest":
        more["nearest_mode"] = m.one_of(("round_prefer_floor", "floor", "ceil", "round_prefer_ceil"))
    if mode == "cubic":
        more["cubic_coeff_a"] = m.one_of((-0.75, -0.5))
    if m.chance(0.5):
        scales = [1.0, 1.0] + [m.one_of((0.5, 1.0, 2.0, 3.0, 1.5)) for _ in x.shape[2:]]
        if any(extent * scale % 1 for extent, scale in zip(x.shape, scales)):
            # ONNX Runtime counts the corners of the result's whole extent, the reference of ONNX those of extent * scale.
            more["coordinate_transformation_mode"] = "half_pixel"
        m.emit(name, [x, None, m.constant(scales, np.float32)], **more)
    else:
        sizes = list(x.shape[:2]) + [m.integer(1, 9) for _ in x.shape[2:]]
        m.emit(name, [x, None, None, m.int64s(sizes)], **more)


@op("GridSample", weight=0.4, since=20)
def grid_sample(m, name):
    x = image(m, (et.F32,), spatial=2)
    grid = m.fresh(et.F32, (x.shape[0], m.integer(1, 5), m.integer(1, 5), 2), -1, 1)
    m.emit(name, [x, grid], mode=m.one_of(("linear", "nearest", "cubic")), align_corners=int(m.chance(0.5)),
           padding_mode=m.one_of(("zeros", "border", "reflection")))


@op("Attention", weight=0.6, since=23)
def attention(m, name):
    batch, heads, queries, keys = m.one_of((1, 2)), m.one_of((1, 2, 4)), m.one_of((1, 3, 7)), m.one_of((1, 3, 8))
    size, values = m.one_of((2, 8, 5)), m.one_of((2, 8))
    kv = m.one_of([h for h in (1, 2, 4) if heads % h == 0])
    dtype = m.one_of((et.F32, et.F32, et.F64, et.F16))
    more = {}
    if m.chance(0.5):
        q = m.tensor((dtype,), shape=(batch, heads, queries, size), low=-5, high=5)
        k, v = m.fresh(dtype, (batch, kv, keys, size), -2, 2), m.fresh(dtype, (batch, kv, keys, values))
    else:
        q = m.tensor((dtype,), shape=(batch, queries, heads * size), low=-5, high=5)
        k, v = m.fresh(dtype, (batch, keys, kv * size), -2, 2), m.fresh(dtype, (batch, keys, kv * values))
        more = {"q_num_heads": heads, "kv_num_heads": kv}
    operands = [q, k, v]
    if m.chance(0.3):
        operands.append(m.fresh(m.one_of((dtype, et.BOOL)), (queries, keys)))
    if m.chance(0.3):
        more["is_causal"] = 1
    if m.chance(0.3):
        more["scale"] = 0.25
    if m.chance(0.2):
        more["softcap"] = 2.0
    m.emit(name, operands, **more)


@op("RotaryEmbedding", weight=0.4, since=23)
def rotary_embedding(m, name):
    batch, heads, length, size = m.one_of((1, 2)), m.one_of((1, 3)), m.one_of((1, 3, 7)), m.one_of((4, 8))
    x = m.tensor(et.WIDE_FLOATS, shape=(batch, heads, length, size), low=-20, high=20)
    angles = [m.weight(x.dtype, (batch, length, size // 2)) for _ in range(2)]
    m.emit(name, [x, *angles], interleaved=int(m.chance(0.5)))


@op("LSTM", "GRU", "RNN", weight=0.4)
def recurrent(m, name):
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[name]
    length, batch, features, hidden = m.integer(1, 5), m.one_of((1, 2, 3)), m.one_of((1, 2, 5)), m.one_of((1, 3, 4))
    direction = m.one_of(("forward", "reverse", "bidirectional"))
    both = 2 if direction == "bidirectional" else 1
    x = m.tensor((et.F32,), shape=(length, batch, features), low=-10, high=10)
    operands = [x, m.weight(et.F32, (both, gates * hidden, features)), m.weight(et.F32, (both, gates * hidden, hidden))]
    operands.append(m.weight(et.F32, (both, 2 * gates * hidden)) if m.chance(0.6) else None)
    operands.append(m.constant(m.rng.integers(1, length + 1, batch), np.int32) if m.chance(0.3) else None)
    if m.chance(0.4):
        operands.append(m.fresh(et.F32, (both, batch, hidden), -1, 1))
        if name == "LSTM":
            operands.append(m.fresh(et.F32, (both, batch, hidden), -1, 1))
    more = {"linear_before_reset": 1} if name == "GRU" and m.chance(0.5) else {}
    m.emit(name, operands, outputs=[True] * (3 if name == "LSTM" else 2), hidden_size=hidden, direction=direction, **more)
