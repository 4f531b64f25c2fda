//===- TrainingGraph.cpp - Training steps of models as problems -----------===//
#include "TrainingGraph.h"

#include "TrainingBuilder.h"

namespace tenon::partition {
namespace {

class TransformerBuilder : TrainingBuilder {
public:
  explicit TransformerBuilder(const TrainingOptions &options)
      : TrainingBuilder(options.inner, options.outer, options.capacity), options(options) {}

  Problem run() {
    int x = pointwise("embedding", {}, activation(1));
    for (int layer = 0; layer < options.layers; ++layer)
      x = forward(layer, x);
    return finish(x, pointwise("loss", {x}, activation(1)));
  }

private:
  double activation(double columns) const { return 2 * options.tokens * options.hidden * columns; }

  int copy(const std::string &name, int x, double columns, double work = 3) {
    return record(name, {x}, -1, activation(columns), work);
  }
  int scaled(const std::string &name, int x, const std::string &weight, double columns) {
    return record(name, {x}, parameter(weight, options.hidden * columns), activation(columns));
  }
  int linear(const std::string &name, int x, double in, double out) {
    const double count = options.hidden * options.hidden * in * out;
    const int node =
        TrainingBuilder::linear(name, x, parameter(name + ".w", count), 2 * options.tokens * count, activation(out));
    return scaled(name + ".add", node, name + ".b", out);
  }
  int expertLinear(const std::string &name, int x, double in, double out) {
    const double count = options.hidden * options.hidden * in * out;
    return TrainingBuilder::linear(name, x, parameter(name + ".w", options.experts * count), 2 * options.tokens * count,
                                   activation(out), /*isExpert=*/true);
  }
  /// Tokens on their way to experts, or back.
  int exchange(const std::string &name, int x) {
    const int node = copy(name, x, 1);
    exchangeRows(node);
    return node;
  }

  int feedForward(const std::string &name, int x) {
    if (options.experts > 0) {
      const int up = expertLinear(name + "up", exchange(name + "send", x), 1, 4);
      return exchange(name + "back", expertLinear(name + "down", copy(name + "gelu", up, 4), 4, 1));
    }
    const int up = linear(name + "up", x, 1, 4);
    return linear(name + "down", copy(name + "drop3", copy(name + "gelu", up, 4), 4), 4, 1);
  }

  int norm(const std::string &name, int x) {
    return scaled(name + ".shift", scaled(name + ".scale", copy(name + ".unit", x, 1), name + ".g", 1), name + ".h", 1);
  }

  int forward(int layer, int x) {
    const std::string name = "l" + std::to_string(layer) + ".";
    const int q = copy(name + "heads", linear(name + "qkv", copy(name + "cast1", norm(name + "n1", x), 1), 1, 3), 3);
    const double attention = 30; // passes: the products of attention, and the softmax
    const int scores = copy(name + "scores", q, 2, attention);
    const int weights = copy(name + "softmax", copy(name + "mask", scores, 2), 2);
    const int mixed = copy(name + "mix", copy(name + "drop", weights, 2), 1, attention);
    const int p = linear(name + "proj", copy(name + "merge", mixed, 1), 1, 1);
    const int middle = record(name + "res1", {copy(name + "drop1", p, 1), x}, -1, activation(1));
    const int down = feedForward(name, copy(name + "cast2", norm(name + "n2", middle), 1));
    return record(name + "res2", {copy(name + "drop2", down, 1), middle}, -1, activation(1));
  }

  TrainingOptions options;
};

/// ResNet-50: He et al., CVPR 2016. Rows are images, columns channels.
class ResNetBuilder : TrainingBuilder {
public:
  explicit ResNetBuilder(const ResNetOptions &options)
      : TrainingBuilder(options.inner, options.outer, options.capacity), images(options.images) {}

  Problem run() {
    int x = pointwise("images", {}, 2 * images * 3 * 224 * 224);
    x = record("pool", {unit("stem", x, 3, 64, 7, 112, true)}, -1, activation(64, 56), 6);
    const int blocks[] = {3, 4, 6, 3};
    double channels = 64;
    for (int stage = 0; stage < 4; ++stage)
      for (int block = 0; block < blocks[stage]; ++block) {
        const double width = 64 << stage, size = 56 >> stage;
        x = bottleneck("s" + std::to_string(stage) + "b" + std::to_string(block) + ".", x, channels, width, size,
                       stage > 0 && block == 0 ? 2 * size : size);
        channels = 4 * width;
      }
    x = record("average", {x}, -1, 2 * images * channels, 49);
    const int last =
        linear("classes", x, parameter("classes.w", channels * 1000), 2 * images * channels * 1000, 2 * images * 1000);
    return finish(last, pointwise("loss", {last}, 2 * images * 1000));
  }

private:
  double activation(double channels, double size) const { return 2 * images * channels * size * size; }

  /// Convolution, batch normalisation (its sums go over all images), and a ramp.
  int unit(const std::string &name, int x, double in, double out, double kernel, double size, bool hasRamp) {
    const double count = in * kernel * kernel * out, total = activation(out, size);
    const int y = linear(name, x, parameter(name + ".w", count), 2 * images * size * size * count, total);
    const int normal = record(name + ".norm", {y}, -1, total, 4, /*sums=*/8 * out);
    const int scaled = record(name + ".scale", {normal}, parameter(name + ".g", out), total);
    const int shifted = record(name + ".shift", {scaled}, parameter(name + ".h", out), total);
    return hasRamp ? record(name + ".relu", {shifted}, -1, total) : shifted;
  }

  int bottleneck(const std::string &name, int x, double in, double width, double size, double sizeBefore) {
    int y = unit(name + "reduce", x, in, width, 1, sizeBefore, true);
    y = unit(name + "window", y, width, width, 3, size, true);
    y = unit(name + "expand", y, width, 4 * width, 1, size, false);
    const bool isSame = in == 4 * width && size == sizeBefore;
    const int shortcut = isSame ? x : unit(name + "shortcut", x, in, 4 * width, 1, size, false);
    const int sum = record(name + "sum", {y, shortcut}, -1, activation(4 * width, size));
    return record(name + "relu", {sum}, -1, activation(4 * width, size));
  }

  double images;
};

} // namespace

Problem trainingGraph(const TrainingOptions &options) { return TransformerBuilder(options).run(); }

Problem trainingGraph(const ResNetOptions &options) { return ResNetBuilder(options).run(); }

} // namespace tenon::partition
