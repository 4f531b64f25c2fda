//===- MockLibraries.cpp - cuBLASLt and cuDNN without a GPU ---------------===//
//
// libmock_cuda_libraries.so stands in for both libraries, beside the mock driver ($TENON_CUDA_DRIVER): it checks what
// it is told, puts a line into the driver's report, and computes on the host when the stream gets there.
// TENON_MOCK_FAIL_LIBRARY=cublasLtMatmul=14 lets that function return an error.
//
//===----------------------------------------------------------------------===//
#include "MockCuda.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <vector>

using tenon::test::MockCudaLibraries;

namespace {

constexpr int invalidValue = 7, badParam = 2000;

const MockCudaLibraries &driver() {
  static const MockCudaLibraries functions = [] {
    void *library = dlopen(std::getenv("TENON_CUDA_DRIVER"), RTLD_NOW | RTLD_LOCAL);
    return reinterpret_cast<tenon::test::MockCudaLibrariesFunction>(dlsym(library, "tenon_mock_cuda_libraries"))();
  }();
  return functions;
}

int failing(const char *name) {
  const char *variable = std::getenv("TENON_MOCK_FAIL_LIBRARY");
  const size_t length = std::strlen(name);
  return variable && std::strncmp(variable, name, length) == 0 && variable[length] == '='
             ? std::atoi(variable + length + 1)
             : 0;
}

/// Creates and destroys what only has to be counted.
template <typename T>
int create(T **made) {
  *made = new T;
  driver().count(1);
  return 0;
}
template <typename T>
int destroy(T *object) {
  delete object;
  driver().count(-1);
  return 0;
}

/// Elements in memory: f32, f16 or bf16.
enum class Type { F32, F16, BF16 };
constexpr const char *typeNames[] = {"f32", "f16", "bf16"};
size_t sizeOf(Type type) { return type == Type::F32 ? 4 : 2; }

float load(const void *data, Type type, size_t i) {
  if (type == Type::F32)
    return static_cast<const float *>(data)[i];
  if (type == Type::F16)
    return float(static_cast<const _Float16 *>(data)[i]);
  const uint32_t bits = uint32_t(static_cast<const uint16_t *>(data)[i]) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

void store(void *data, Type type, size_t i, float value) {
  if (type == Type::F32) {
    static_cast<float *>(data)[i] = value;
  } else if (type == Type::F16) {
    static_cast<_Float16 *>(data)[i] = _Float16(value);
  } else {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    static_cast<uint16_t *>(data)[i] = uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16); // to even
  }
}

bool owned(const void *pointer, size_t elements, Type type) { return driver().owns(pointer, elements * sizeOf(type)); }

float gelu(float v) { return 0.5f * v * (1 + std::tanh(0.7978845608f * (v + 0.044715f * v * v * v))); }

//===----------------------------------------------------------------------===//
// cuBLASLt

struct Handle {};
struct Operation {
  int compute, scale;
  int32_t transposeA = 0;
  uint32_t epilogue = 1;
  const void *bias = nullptr;
};
struct Layout {
  int type;
  uint64_t rows, columns;
  int64_t leading;
  int32_t batch = 1;
  int64_t stride = 0;
};
struct Preference {
  uint64_t workspace = 0;
};
struct Heuristic {
  uint64_t algorithm[8];
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};

bool typeOf(int cudaType, Type &type) {
  const std::map<int, Type> types = {{0, Type::F32}, {2, Type::F16}, {14, Type::BF16}};
  if (types.count(cudaType))
    type = types.at(cudaType);
  return types.count(cudaType);
}

/// Copies an attribute of the right size.
template <typename T>
int take(T &field, const void *value, size_t bytes) {
  if (bytes != sizeof(T))
    return invalidValue;
  std::memcpy(&field, value, bytes);
  return 0;
}

/// Whether D = op(A) * B fits together, and what it is.
bool fits(const Operation &op, const Layout &a, const Layout &b, const Layout &c, const Layout &d) {
  const uint64_t n = op.transposeA ? a.columns : a.rows, k = op.transposeA ? a.rows : a.columns;
  const bool batches = a.batch == b.batch && b.batch == d.batch && c.batch == d.batch;
  const bool dense = a.leading == int64_t(a.rows) && b.leading == int64_t(b.rows) && d.leading == int64_t(d.rows);
  const bool types = a.type == b.type && b.type == d.type && c.type == d.type && op.scale == 0 &&
                     (op.compute == 68 || (op.compute == 77 && a.type == 0));
  return batches && dense && types && b.rows == k && d.rows == n && d.columns == b.columns && c.rows == d.rows &&
         c.columns == d.columns;
}

struct ProductWork {
  Operation op;
  Layout a, b, d;
  Type type;
  const void *A, *B, *C;
  void *D;
  bool adds;

  bool isOwned() const {
    auto size = [](const Layout &l) { return size_t(l.batch - 1) * size_t(l.stride) + l.rows * l.columns; };
    return owned(A, size(a), type) && owned(B, size(b), type) && owned(D, size(d), type) &&
           (!adds || owned(C, size(d), type)) && (!(op.epilogue & 4) || owned(op.bias, d.rows, type));
  }
  bool run() const {
    if (!isOwned())
      return false;
    const uint64_t depth = b.rows;
    for (int64_t batch = 0; batch < d.batch; ++batch)
      for (uint64_t column = 0; column < d.columns; ++column)
        for (uint64_t row = 0; row < d.rows; ++row) {
          double sum = 0;
          for (uint64_t k = 0; k < depth; ++k) {
            const uint64_t at = op.transposeA ? k + row * a.rows : row + k * a.rows;
            sum += double(load(A, type, size_t(batch * a.stride) + at)) *
                   load(B, type, size_t(batch * b.stride) + k + column * b.rows);
          }
          const size_t at = size_t(batch * d.stride) + row + column * d.rows;
          float value = float(sum) + (adds ? load(C, type, at) : 0);
          value += op.epilogue & 4 ? load(op.bias, type, row) : 0;
          value = op.epilogue & 2 ? std::fmax(value, 0.0f) : op.epilogue & 32 ? gelu(value) : value;
          store(D, type, at, value);
        }
    return true;
  }
  std::string text(size_t workspace) const {
    std::string out = std::string("cublasLtMatmul ") + typeNames[int(type)] + (op.compute == 77 ? " tf32" : "");
    out += " batch " + std::to_string(d.batch) + " m " + std::to_string(d.columns) + " n " + std::to_string(d.rows) +
           " k " + std::to_string(b.rows) + (op.transposeA ? " transposed" : "") + (adds ? " residual" : "");
    out += std::string(op.epilogue & 4 ? " bias" : "") + (op.epilogue & 2 ? " relu" : op.epilogue & 32 ? " gelu" : "");
    return out + " workspace " + std::to_string(workspace);
  }
};

//===----------------------------------------------------------------------===//
// cuDNN

struct TensorDescription {
  int format, n, c, h, w;
  Type type;
};
struct FilterDescription {
  int k, c, h, w;
  Type type;
};
struct ConvolutionDescription {
  int pad[2], stride[2], dilation[2], groups = 1, math = 0;
};
struct ActivationDescription {
  int mode = 5;
};
struct Performance {
  int algorithm, status;
  float milliseconds;
  size_t workspace;
  int determinism, math, reserved[3];
};

bool dnnType(int number, Type &type) {
  const std::map<int, Type> types = {{0, Type::F32}, {2, Type::F16}, {9, Type::BF16}};
  if (types.count(number))
    type = types.at(number);
  return types.count(number);
}

bool fits(const TensorDescription &x, const FilterDescription &w, const ConvolutionDescription &c,
          const TensorDescription &y) {
  auto extent = [&](int i, int size, int kernel) {
    return (size + 2 * c.pad[i] - c.dilation[i] * (kernel - 1) - 1) / c.stride[i] + 1;
  };
  return x.format == 1 && y.format == 1 && x.type == y.type && x.type == w.type && x.c == w.c * c.groups &&
         w.k % c.groups == 0 && y.c == w.k && y.n == x.n && y.h == extent(0, x.h, w.h) && y.w == extent(1, x.w, w.w);
}

struct ConvolutionWork {
  TensorDescription x, y;
  FilterDescription w;
  ConvolutionDescription c;
  const void *X, *W, *Z, *bias; ///< Z and bias may be null
  void *Y;
  bool isRelu;

  float sum(int image, int row, int column, int k) const {
    double total = 0;
    const int group = k / (w.k / c.groups);
    for (int ky = 0; ky < w.h; ++ky)
      for (int kx = 0; kx < w.w; ++kx) {
        const int iy = row * c.stride[0] - c.pad[0] + ky * c.dilation[0];
        const int ix = column * c.stride[1] - c.pad[1] + kx * c.dilation[1];
        if (iy < 0 || iy >= x.h || ix < 0 || ix >= x.w)
          continue;
        for (int channel = 0; channel < w.c; ++channel)
          total += double(load(X, x.type, ((size_t(image) * x.h + iy) * x.w + ix) * x.c + group * w.c + channel)) *
                   load(W, x.type, ((size_t(k) * w.h + ky) * w.w + kx) * w.c + channel);
      }
    return float(total);
  }
  bool run() const {
    auto size = [](const TensorDescription &t) { return size_t(t.n) * t.c * t.h * t.w; };
    if (!owned(X, size(x), x.type) || !owned(Y, size(y), x.type) || !owned(W, size_t(w.k) * w.c * w.h * w.w, x.type) ||
        (Z && !owned(Z, size(y), x.type)) || (bias && !owned(bias, size_t(y.c), x.type)))
      return false;
    size_t at = 0;
    for (int image = 0; image < y.n; ++image)
      for (int row = 0; row < y.h; ++row)
        for (int column = 0; column < y.w; ++column)
          for (int k = 0; k < y.c; ++k, ++at) {
            float value =
                sum(image, row, column, k) + (Z ? load(Z, x.type, at) : 0) + (bias ? load(bias, x.type, size_t(k)) : 0);
            store(Y, x.type, at, isRelu ? std::fmax(value, 0.0f) : value);
          }
    return true;
  }
  std::string text(const char *name, size_t workspace) const {
    auto n = [](int value) { return std::to_string(value); };
    return std::string(name) + " " + typeNames[int(x.type)] + " math " + n(c.math) + " x " + n(x.n) + "x" + n(x.h) +
           "x" + n(x.w) + "x" + n(x.c) + " w " + n(w.k) + "x" + n(w.h) + "x" + n(w.w) + "x" + n(w.c) + " groups " +
           n(c.groups) + (Z ? " residual" : "") + (bias ? " bias" : "") + (isRelu ? " relu" : "") + " workspace " +
           std::to_string(workspace);
  }
};

struct DnnHandle {
  void *stream = nullptr;
};

int start(DnnHandle *handle, const char *name, const ConvolutionWork &work, void *workspace, size_t bytes) {
  if (!fits(work.x, work.w, work.c, work.y) || (bytes > 0 && !driver().owns(workspace, bytes)))
    return badParam;
  return driver().enqueue(handle->stream, work.text(name, bytes), [=] { return work.run(); });
}

} // namespace

#pragma GCC visibility push(default)
extern "C" {

int cublasLtCreate(Handle **handle) {
  const int error = failing("cublasLtCreate");
  return error ? error : create(handle);
}
int cublasLtDestroy(Handle *handle) { return destroy(handle); }
const char *cublasLtGetStatusString(int status) {
  return status == 15             ? "CUBLAS_STATUS_NOT_SUPPORTED"
         : status == invalidValue ? "CUBLAS_STATUS_INVALID_VALUE"
                                  : "CUBLAS_STATUS_INTERNAL_ERROR";
}
int cublasLtMatmulDescCreate(Operation **op, int compute, int scale) {
  create(op);
  (*op)->compute = compute;
  (*op)->scale = scale;
  return 0;
}
int cublasLtMatmulDescDestroy(Operation *op) { return destroy(op); }
int cublasLtMatmulDescSetAttribute(Operation *op, int attribute, const void *value, size_t bytes) {
  return attribute == 3   ? take(op->transposeA, value, bytes)
         : attribute == 7 ? take(op->epilogue, value, bytes)
         : attribute == 8 ? take(op->bias, value, bytes)
                          : invalidValue;
}
int cublasLtMatrixLayoutCreate(Layout **layout, int type, uint64_t rows, uint64_t columns, int64_t leading) {
  create(layout);
  **layout = {type, rows, columns, leading};
  return 0;
}
int cublasLtMatrixLayoutDestroy(Layout *layout) { return destroy(layout); }
int cublasLtMatrixLayoutSetAttribute(Layout *layout, int attribute, const void *value, size_t bytes) {
  return attribute == 5   ? take(layout->batch, value, bytes)
         : attribute == 6 ? take(layout->stride, value, bytes)
                          : invalidValue;
}
int cublasLtMatmulPreferenceCreate(Preference **preference) { return create(preference); }
int cublasLtMatmulPreferenceDestroy(Preference *preference) { return destroy(preference); }
int cublasLtMatmulPreferenceSetAttribute(Preference *preference, int attribute, const void *value, size_t bytes) {
  uint32_t alignment;
  return attribute == 1                     ? take(preference->workspace, value, bytes)
         : attribute >= 5 && attribute <= 8 ? take(alignment, value, bytes)
                                            : invalidValue;
}

int cublasLtMatmulAlgoGetHeuristic(Handle *, Operation *op, Layout *a, Layout *b, Layout *c, Layout *d,
                                   Preference *preference, int wanted, Heuristic *results, int *found) {
  if (const int error = failing("cublasLtMatmulAlgoGetHeuristic"))
    return error;
  *found = 0;
  if (wanted < 1 || !fits(*op, *a, *b, *c, *d))
    return invalidValue;
  *found = 1;
  *results = {{0x7e11}, preference->workspace, 0, 1, {}};
  return 0;
}

int cublasLtMatmul(Handle *, Operation *op, const float *alpha, const void *A, Layout *a, const void *B, Layout *b,
                   const float *beta, const void *C, Layout *c, void *D, Layout *d, const uint64_t *algorithm,
                   void *workspace, size_t bytes, void *stream) {
  if (const int error = failing("cublasLtMatmul"))
    return error;
  ProductWork work{*op, *a, *b, *d, Type::F32, A, B, C, D, *beta != 0};
  if (!typeOf(a->type, work.type) || !fits(*op, *a, *b, *c, *d) || *alpha != 1 || (*beta != 0 && *beta != 1) ||
      algorithm[0] != 0x7e11 || (bytes > 0 && !driver().owns(workspace, bytes)))
    return invalidValue;
  return driver().enqueue(stream, work.text(bytes), [=] { return work.run(); });
}

int cudnnCreate(DnnHandle **handle) {
  const int error = failing("cudnnCreate");
  return error ? error : create(handle);
}
int cudnnDestroy(DnnHandle *handle) { return destroy(handle); }
int cudnnSetStream(DnnHandle *handle, void *stream) {
  handle->stream = stream;
  return 0;
}
const char *cudnnGetErrorString(int status) {
  return status == 3000       ? "CUDNN_STATUS_NOT_SUPPORTED"
         : status == badParam ? "CUDNN_STATUS_BAD_PARAM"
                              : "CUDNN_STATUS_EXECUTION_FAILED";
}
int cudnnCreateTensorDescriptor(TensorDescription **made) { return create(made); }
int cudnnDestroyTensorDescriptor(TensorDescription *object) { return destroy(object); }
int cudnnSetTensor4dDescriptor(TensorDescription *t, int format, int type, int n, int c, int h, int w) {
  *t = {format, n, c, h, w, Type::F32};
  return dnnType(type, t->type) && n > 0 && c > 0 && h > 0 && w > 0 ? 0 : badParam;
}
int cudnnCreateFilterDescriptor(FilterDescription **made) { return create(made); }
int cudnnDestroyFilterDescriptor(FilterDescription *object) { return destroy(object); }
int cudnnSetFilter4dDescriptor(FilterDescription *f, int type, int format, int k, int c, int h, int w) {
  *f = {k, c, h, w, Type::F32};
  return format == 1 && dnnType(type, f->type) && k > 0 && c > 0 && h > 0 && w > 0 ? 0 : badParam;
}
int cudnnCreateConvolutionDescriptor(ConvolutionDescription **made) { return create(made); }
int cudnnDestroyConvolutionDescriptor(ConvolutionDescription *object) { return destroy(object); }
int cudnnSetConvolution2dDescriptor(ConvolutionDescription *c, int padY, int padX, int strideY, int strideX,
                                    int dilationY, int dilationX, int mode, int type) {
  *c = {{padY, padX}, {strideY, strideX}, {dilationY, dilationX}};
  return mode == 1 && type == 0 ? 0 : badParam;
}
int cudnnSetConvolutionMathType(ConvolutionDescription *c, int math) {
  c->math = math;
  return 0;
}
int cudnnSetConvolutionGroupCount(ConvolutionDescription *c, int groups) {
  c->groups = groups;
  return 0;
}
int cudnnCreateActivationDescriptor(ActivationDescription **made) { return create(made); }
int cudnnDestroyActivationDescriptor(ActivationDescription *object) { return destroy(object); }
int cudnnSetActivationDescriptor(ActivationDescription *a, int mode, int, double) {
  a->mode = mode;
  return mode == 1 || mode == 5 ? 0 : badParam;
}

/// The first proposal wants more memory than anybody has.
int cudnnGetConvolutionForwardAlgorithm_v7(DnnHandle *, TensorDescription *x, FilterDescription *w,
                                           ConvolutionDescription *c, TensorDescription *y, int wanted, int *found,
                                           Performance *results) {
  if (wanted < 2 || !fits(*x, *w, *c, *y))
    return badParam;
  *found = 2;
  results[0] = {6, 0, 1, size_t(1) << 40, 1, c->math, {}};
  results[1] = {0, 0, 2, 0, 1, c->math, {}};
  return 0;
}
int cudnnGetConvolutionForwardWorkspaceSize(DnnHandle *, TensorDescription *, FilterDescription *,
                                            ConvolutionDescription *, TensorDescription *, int algorithm,
                                            size_t *bytes) {
  *bytes = 1024;
  return algorithm == 1 ? 0 : badParam;
}

int cudnnConvolutionForward(DnnHandle *handle, const float *alpha, TensorDescription *x, const void *X,
                            FilterDescription *w, const void *W, ConvolutionDescription *c, int algorithm,
                            void *workspace, size_t bytes, const float *beta, TensorDescription *y, void *Y) {
  if (const int error = failing("cudnnConvolutionForward"))
    return error;
  if (*alpha != 1 || *beta != 0 || algorithm == 6)
    return badParam;
  return start(handle, "cudnnConvolutionForward", {*x, *y, *w, *c, X, W, nullptr, nullptr, Y, false}, workspace, bytes);
}

int cudnnConvolutionBiasActivationForward(DnnHandle *handle, const float *alpha1, TensorDescription *x, const void *X,
                                          FilterDescription *w, const void *W, ConvolutionDescription *c, int algorithm,
                                          void *workspace, size_t bytes, const float *alpha2, TensorDescription *,
                                          const void *Z, TensorDescription *b, const void *bias,
                                          ActivationDescription *activation, TensorDescription *y, void *Y) {
  const bool isRelu = activation->mode == 1;
  const bool isBias = b->n == 1 && b->c == y->c && b->h == 1 && b->w == 1 && b->type == x->type;
  if (*alpha1 != 1 || !isBias || algorithm == 6 || (!isRelu && algorithm != 1))
    return badParam;
  return start(handle, "cudnnConvolutionBiasActivationForward",
               {*x, *y, *w, *c, X, W, *alpha2 != 0 ? Z : nullptr, bias, Y, isRelu}, workspace, bytes);
}
}
#pragma GCC visibility pop
