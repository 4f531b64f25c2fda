# RUN: %python %s %t
# RUN: tenon-translate --onnx-to-graph %t/argmax.onnx | FileCheck %s --check-prefix=ARGMAX
# RUN: tenon-translate --onnx-to-graph %t/unpool.onnx | FileCheck %s --check-prefix=UNPOOL
# RUN: tenon-translate --onnx-to-graph %t/blocks.onnx | FileCheck %s --check-prefix=BLOCKS
# RUN: tenon-translate --onnx-to-graph %t/align.onnx | FileCheck %s --check-prefix=ALIGN
# RUN: tenon-translate --onnx-to-graph %t/deform.onnx | FileCheck %s --check-prefix=DEFORM
# RUN: tenon-translate --onnx-to-graph %t/smooth.onnx | FileCheck %s --check-prefix=SMOOTH
# RUN: tenon-translate --onnx-to-graph %t/frames.onnx | FileCheck %s --check-prefix=FRAMES
# RUN: tenon-translate --onnx-to-graph %t/grams.onnx | FileCheck %s --check-prefix=GRAMS
# RUN: tenon-translate --onnx-to-graph %t/largest.onnx | FileCheck %s --check-prefix=LARGEST
# RUN: not tenon-translate --onnx-to-graph %t/too_many.onnx 2>&1 | FileCheck %s --check-prefix=MANY
# RUN: not tenon-translate --onnx-to-graph %t/adaptive.onnx 2>&1 | FileCheck %s --check-prefix=ADAPTIVE
# RUN: not tenon-translate --onnx-to-graph %t/pool_in_pieces.onnx 2>&1 | FileCheck %s --check-prefix=PIECES
import os, sys
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "Inputs"))
from onnx_case import *  # noqa: E402,F403


@case
def argmax():
    return model([node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 3])], [value("x", ("N", 2, 4, 5))],
                 [value("y", None), value("i", None, INT64)])


# The first of the elements of a window that are not less than its maximum.
# ARGMAX: %[[MAX:.+]] = graph.max_pool
# ARGMAX: graph.less %{{.+}}, %{{.+}} : {{.*}} -> tensor<?x2x3x3x2x3xi1
# ARGMAX: graph.reduce_min %{{.+}} {axes = array<i64: 4, 5>, keepdims = false}


@case
def unpool():
    return model([node("MaxUnpool", ["x", "i"], ["y"], kernel_shape=[2, 2], strides=[2, 2])],
                 [value("x", (1, 1, 2, 2)), value("i", (1, 1, 2, 2), INT64)])


# UNPOOL: graph.scatter %{{.+}} : (tensor<16x1xf32>, tensor<4xi64>, tensor<4x1xf32>) -> tensor<16x1xf32>


@case
def blocks():
    return model([node("Col2Im", ["x", "image", "block"], ["y"])],
                 [value("x", (1, 12, 4)), value("image", (2,), INT64), value("block", (2,), INT64)], opset=18)


# BLOCKS: graph.reduce_sum %{{.+}} {axes = array<i64: 4, 5>, keepdims = false} : tensor<1x?x?x?x?x?xf32


@case
def align():
    return model([node("RoiAlign", ["x", "r", "b"], ["y"], output_height=3, output_width=5, sampling_ratio=2)],
                 [value("x", ("N", 2, 7, 9)), value("r", ("R", 4)), value("b", ("R",), INT64)])


# ALIGN-COUNT-4: graph.gather %{{.+}} -> tensor<?x2x3x5x2x2xf32
# ALIGN: graph.reduce_mean %{{.+}} {axes = array<i64: 4, 5>, keepdims = false}


@case
def adaptive():
    return model([node("RoiAlign", ["x", "r", "b"], ["y"])],
                 [value("x", ("N", 2, 7, 9)), value("r", ("R", 4)), value("b", ("R",), INT64)])


# ADAPTIVE: TN1202{{.*}}sampling_ratio 0


@case
def deform():
    return model([node("DeformConv", ["x", "w", "o"], ["y"], offset_group=2, kernel_shape=[3, 3])],
                 [value("x", ("N", 4, 6, 6)), value("w", (3, 4, 3, 3)), value("o", ("N", 36, 4, 4))], opset=19)


# DEFORM-COUNT-4: graph.gather %{{.+}} -> tensor<?x2x2x3x3x4x4xf32
# DEFORM: graph.matmul %{{.+}} : (tensor<1x1x3x36xf32>, tensor<?x1x36x16xf32


@case
def smooth():
    return model([node("Resize", ["x", "", "s"], ["y"], mode="linear", antialias=1)], [value("x", (1, 1, 8, 8))],
                 initializers=[constant("s", [1, 1, 0.5, 1], np.float32)], opset=18)


# Four taps reach over twice as many elements; two more are where a coordinate lies between elements.
# SMOOTH: graph.gather %{{.+}} {axis = 2 : i64} : {{.*}} -> tensor<1x1x4x8x8xf32>
# SMOOTH: graph.reduce_sum %{{.+}} {axes = array<i64: 3>, keepdims = false}


@case
def frames():
    return model([node("STFT", ["x", "step", "w"], ["y"])],
                 [value("x", ("B", 64, 1)), value("step", (), INT64), value("w", (16,))])


# FRAMES: graph.gather %arg0, %{{.+}} {axis = 1 : i64}
# FRAMES: graph.concat %{{.+}} -> tensor<?x?x9x2xf64


@case
def grams():
    return model([node("TfIdfVectorizer", ["x"], ["y"], mode="TF", min_gram_length=2, max_gram_length=2,
                       max_skip_count=1, ngram_counts=[0, 1], ngram_indexes=[0, 1, 2], pool_int64s=[7, 1, 2, 3, 4])],
                 [value("x", ("N", 6), INT64)])


# Windows of neighbours, then of elements two apart.
# GRAMS: graph.reduce_sum %{{.+}} : tensor<?x5x2xf32
# GRAMS: graph.reduce_sum %{{.+}} : tensor<?x4x2xf32


@case
def largest():
    return model([node("TopK", ["x", "k"], ["y", "i"], axis=1)], [value("x", ("N", 9)), value("k", (1,), INT64)],
                 [value("y", None), value("i", None, INT64)])


# LARGEST: needs k elements along the axis
# LARGEST: graph.top_k %{{.+}} of <max(0, "element:1:0")> {axis = 1 : i64, largest = true}


@case
def too_many():
    return model([node("TopK", ["x", "k"], ["y", "i"])], [value("x", ("N", 9))],
                 [value("y", None), value("i", None, INT64)], [ints("k", 10)])


# MANY: TN1210{{.*}}k is 10, but the axis has extent 9


@case
def pool_in_pieces():
    return model([node("TfIdfVectorizer", ["x"], ["y"], mode="TF", min_gram_length=2, max_gram_length=2,
                       max_skip_count=0, ngram_counts=[0, 1], ngram_indexes=[0, 1], pool_int64s=[7, 1, 2, 3])],
                 [value("x", ("N", 6), INT64)])


# PIECES: TN1211{{.*}}ngram_counts do not divide the pool

write_cases()
