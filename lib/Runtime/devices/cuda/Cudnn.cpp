//===- Cudnn.cpp - Convolutions by cuDNN ----------------------------------===//
//
// The functions of cudnn_cnn that take one convolution with bias, residual and activation (deprecated since cuDNN 9,
// but in all its versions): they say all that a region can hold, where a graph of the backend API would take a dozen
// descriptors for it. Channels are last in every tensor; a filter is [m, ky, kx, c]. A queue has a handle of its own,
// for a handle serves one stream at a time.
//
//===----------------------------------------------------------------------===//
#include "LibraryCalls.h"
#include "SharedLibrary.h"
#include "tenon/Plan/ElementType.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

namespace tenon::cuda {

namespace {

using Status = int; ///< cudnnStatus_t; 0 is success
using Handle = void *;
using Description = void *;

// cudnnTensorFormat_t
constexpr int channelsFirst = 0, channelsLast = 1;
// cudnnDataType_t
constexpr int typeFloat = 0, typeHalf = 2, typeBFloat16 = 9;
// cudnnConvolutionMode_t
constexpr int crossCorrelation = 1;
// cudnnMathType_t: f32 by default goes through TF32 on tensor cores, which is asked for or forbidden here
constexpr int mathDefault = 0, mathTensor = 1, mathFma = 3;
// cudnnActivationMode_t
constexpr int activationRelu = 1, activationIdentity = 5;
// cudnnConvolutionFwdAlgo_t: the only one that has the identity as activation
constexpr int implicitPrecompGemm = 1;
constexpr Status notSupported = 3000; // CUDNN_STATUS_NOT_SUPPORTED of cuDNN 9

/// cudnnConvolutionFwdAlgoPerf_t.
struct Performance {
  int algorithm;
  Status status;
  float milliseconds;
  size_t workspace;
  int determinism, math, reserved[3];
};

struct Functions {
  Status (*create)(Handle *) = nullptr;
  Status (*destroy)(Handle) = nullptr;
  Status (*setStream)(Handle, Stream) = nullptr;
  const char *(*errorString)(Status) = nullptr;
  Status (*createTensor)(Description *) = nullptr;
  Status (*setTensor)(Description, int format, int type, int n, int c, int h, int w) = nullptr;
  Status (*destroyTensor)(Description) = nullptr;
  Status (*createFilter)(Description *) = nullptr;
  Status (*setFilter)(Description, int type, int format, int k, int c, int h, int w) = nullptr;
  Status (*destroyFilter)(Description) = nullptr;
  Status (*createConvolution)(Description *) = nullptr;
  Status (*setConvolution)(Description, int padY, int padX, int strideY, int strideX, int dilationY, int dilationX,
                           int mode, int type) = nullptr;
  Status (*setMath)(Description, int math) = nullptr;
  Status (*setGroups)(Description, int groups) = nullptr;
  Status (*destroyConvolution)(Description) = nullptr;
  Status (*createActivation)(Description *) = nullptr;
  Status (*setActivation)(Description, int mode, int propagatesNan, double coefficient) = nullptr;
  Status (*destroyActivation)(Description) = nullptr;
  Status (*algorithms)(Handle, Description x, Description w, Description convolution, Description y, int wanted,
                       int *found, Performance *results) = nullptr;
  Status (*workspaceSize)(Handle, Description x, Description w, Description convolution, Description y, int algorithm,
                          size_t *bytes) = nullptr;
  Status (*convolve)(Handle, const void *alpha, Description, const void *x, Description, const void *w,
                     Description convolution, int algorithm, void *workspace, size_t bytes, const void *beta,
                     Description, void *y) = nullptr;
  Status (*convolveFused)(Handle, const void *alpha1, Description, const void *x, Description, const void *w,
                          Description convolution, int algorithm, void *workspace, size_t bytes, const void *alpha2,
                          Description, const void *z, Description, const void *bias, Description activation,
                          Description, void *y) = nullptr;

  std::string open();
};

std::string Functions::open() {
  SharedLibrary library;
  if (std::string error = library.open("TENON_CUDNN", {"libcudnn.so.9", "libcudnn.so.8"}); !error.empty())
    return error;
  library.find(create, "cudnnCreate");
  library.find(destroy, "cudnnDestroy");
  library.find(setStream, "cudnnSetStream");
  library.find(errorString, "cudnnGetErrorString");
  library.find(createTensor, "cudnnCreateTensorDescriptor");
  library.find(setTensor, "cudnnSetTensor4dDescriptor");
  library.find(destroyTensor, "cudnnDestroyTensorDescriptor");
  library.find(createFilter, "cudnnCreateFilterDescriptor");
  library.find(setFilter, "cudnnSetFilter4dDescriptor");
  library.find(destroyFilter, "cudnnDestroyFilterDescriptor");
  library.find(createConvolution, "cudnnCreateConvolutionDescriptor");
  library.find(setConvolution, "cudnnSetConvolution2dDescriptor");
  library.find(setMath, "cudnnSetConvolutionMathType");
  library.find(setGroups, "cudnnSetConvolutionGroupCount");
  library.find(destroyConvolution, "cudnnDestroyConvolutionDescriptor");
  library.find(createActivation, "cudnnCreateActivationDescriptor");
  library.find(setActivation, "cudnnSetActivationDescriptor");
  library.find(destroyActivation, "cudnnDestroyActivationDescriptor");
  library.find(algorithms, "cudnnGetConvolutionForwardAlgorithm_v7");
  library.find(workspaceSize, "cudnnGetConvolutionForwardWorkspaceSize");
  library.find(convolve, "cudnnConvolutionForward");
  library.find(convolveFused, "cudnnConvolutionBiasActivationForward");
  return library.missing();
}

int typeOf(uint32_t type) {
  return ElementType(type) == ElementType::F16    ? typeHalf
         : ElementType(type) == ElementType::BF16 ? typeBFloat16
                                                  : typeFloat;
}

/// The descriptions of one convolution. After the first failure nothing more is called; `status` tells.
class ConvolutionDescription {
public:
  ConvolutionDescription(const Functions &dnn, const CallArguments &arguments);
  ~ConvolutionDescription();
  ConvolutionDescription(const ConvolutionDescription &) = delete;
  ConvolutionDescription &operator=(const ConvolutionDescription &) = delete;

  Status status = 0;
  Description x = nullptr, w = nullptr, y = nullptr, bias = nullptr, convolution = nullptr, activation = nullptr;

private:
  const Functions &dnn;

  template <typename Function, typename... Arguments>
  void then(Function function, Arguments... arguments) {
    status = status ? status : function(arguments...);
  }
  void addTensor(Description &tensor, int format, int type, int64_t n, int64_t c, int64_t h, int64_t w) {
    then(dnn.createTensor, &tensor);
    then(dnn.setTensor, tensor, format, type, int(n), int(c), int(h), int(w));
  }
};

ConvolutionDescription::ConvolutionDescription(const Functions &dnn, const CallArguments &arguments) : dnn(dnn) {
  const TenonDeviceCall &call = arguments.call;
  const auto &e = arguments.extents; // images, height, width, channels, height, width and channels of the result
  const uint32_t *window = call.window;
  const int type = typeOf(call.element_type), groups = int(window[8]);
  addTensor(x, channelsLast, type, e[0], e[3], e[1], e[2]);
  addTensor(y, channelsLast, type, e[0], e[6], e[4], e[5]);
  then(dnn.createFilter, &w);
  then(dnn.setFilter, w, type, channelsLast, int(e[6]), int(e[3]) / groups, int(window[0]), int(window[1]));
  then(dnn.createConvolution, &convolution);
  then(dnn.setConvolution, convolution, int(window[4]), int(window[5]), int(window[2]), int(window[3]), int(window[6]),
       int(window[7]), crossCorrelation, typeFloat);
  then(dnn.setMath, convolution, type != typeFloat ? mathTensor : call.tf32 ? mathDefault : mathFma);
  then(dnn.setGroups, convolution, groups);
  if (!arguments.bias)
    return;
  addTensor(bias, channelsFirst, type, 1, e[6], 1, 1);
  then(dnn.createActivation, &activation);
  then(dnn.setActivation, activation, call.activation == TENON_ACTIVATION_RELU ? activationRelu : activationIdentity, 0,
       0.0);
}

ConvolutionDescription::~ConvolutionDescription() {
  if (activation)
    dnn.destroyActivation(activation);
  if (convolution)
    dnn.destroyConvolution(convolution);
  if (w)
    dnn.destroyFilter(w);
  for (Description tensor : {x, y, bias})
    if (tensor)
      dnn.destroyTensor(tensor);
}

class Cudnn final : public CallLibrary {
public:
  explicit Cudnn(const Functions &functions) : dnn(functions) {}

  std::unique_ptr<LibraryQueue> createQueue(std::string &error) override;
  std::string describe(Status status) const { return status ? "cuDNN: " + std::string(dnn.errorString(status)) : ""; }
  Status choose(Handle handle, const CallArguments &arguments, const ConvolutionDescription &d, int &algorithm);

  const Functions dnn;

private:
  using Key = std::array<uint64_t, 21>;
  static constexpr size_t mostKept = 1024;

  std::mutex mutex;
  std::map<Key, int> known;
};

/// For these extents the first of the library's proposals that the workspace suffices for.
Status Cudnn::choose(Handle handle, const CallArguments &arguments, const ConvolutionDescription &d, int &algorithm) {
  const TenonDeviceCall &call = arguments.call;
  const bool isIdentity = arguments.bias && call.activation == TENON_ACTIVATION_NONE;
  Key key = {call.element_type, call.tf32, isIdentity, call.workspace};
  std::copy(arguments.extents.begin(), arguments.extents.end(), key.begin() + 4);
  std::copy(std::begin(call.window), std::end(call.window), key.begin() + 11);
  std::lock_guard lock(mutex);
  if (auto found = known.find(key); found != known.end()) {
    algorithm = found->second;
    return 0;
  }
  constexpr int wanted = 8;
  Performance proposals[wanted] = {};
  int found = 0;
  if (isIdentity) {
    proposals[found++].algorithm = implicitPrecompGemm;
    if (Status status =
            dnn.workspaceSize(handle, d.x, d.w, d.convolution, d.y, implicitPrecompGemm, &proposals[0].workspace))
      return status;
  } else if (Status status = dnn.algorithms(handle, d.x, d.w, d.convolution, d.y, wanted, &found, proposals)) {
    return status;
  }
  const Performance *begin = proposals, *end = begin + std::clamp(found, 0, wanted);
  const Performance *best =
      std::find_if(begin, end, [&](const Performance &p) { return p.status == 0 && p.workspace <= call.workspace; });
  if (best == end)
    return notSupported;
  if (known.size() >= mostKept)
    known.clear();
  algorithm = known[key] = best->algorithm;
  return 0;
}

class CudnnQueue final : public LibraryQueue {
public:
  explicit CudnnQueue(Cudnn &library) : library(library) {}
  ~CudnnQueue() override {
    if (handle)
      library.dnn.destroy(handle);
  }
  std::string start() { return library.describe(library.dnn.create(&handle)); }
  std::string run(const CallArguments &arguments) override;

private:
  Cudnn &library;
  Handle handle = nullptr;
};

std::string CudnnQueue::run(const CallArguments &arguments) {
  const Functions &dnn = library.dnn;
  const ConvolutionDescription d(dnn, arguments);
  Status status = d.status ? d.status : dnn.setStream(handle, arguments.stream);
  int algorithm = 0;
  status = status ? status : library.choose(handle, arguments, d, algorithm);
  const float one = 1, zero = 0;
  const size_t bytes = size_t(arguments.call.workspace);
  const bool adds = arguments.residual != nullptr;
  if (status == 0 && arguments.bias)
    status = dnn.convolveFused(handle, &one, d.x, arguments.x, d.w, arguments.w, d.convolution, algorithm,
                               arguments.workspace, bytes, adds ? &one : &zero, d.y,
                               adds ? arguments.residual : arguments.result, d.bias, arguments.bias, d.activation, d.y,
                               arguments.result);
  else if (status == 0)
    status = dnn.convolve(handle, &one, d.x, arguments.x, d.w, arguments.w, d.convolution, algorithm,
                          arguments.workspace, bytes, &zero, d.y, arguments.result);
  return library.describe(status);
}

} // namespace

std::unique_ptr<LibraryQueue> Cudnn::createQueue(std::string &error) {
  auto made = std::make_unique<CudnnQueue>(*this);
  error = made->start();
  return error.empty() ? std::move(made) : nullptr;
}

std::unique_ptr<CallLibrary> openCudnn(std::string &error) {
  Functions functions;
  error = functions.open();
  return error.empty() ? std::make_unique<Cudnn>(functions) : nullptr;
}

} // namespace tenon::cuda
