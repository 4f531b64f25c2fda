//===- CublasLt.cpp - Matrix products by cuBLASLt -------------------------===//
//
// cuBLASLt thinks in columns: a row-major matrix [rows, columns] is its columns x rows. So result[m, n] = x[m, k] *
// w[k, n] is asked for as D (n x m) = A (n x k) * B (k x m), where A is w and B is x; a bias of D's rows is one of our
// columns. The algorithm is what the library's heuristics name first for the extents, kept per extents.
//
//===----------------------------------------------------------------------===//
#include "LibraryCalls.h"
#include "SharedLibrary.h"
#include "tenon/Plan/ElementType.h"

#include <array>
#include <map>
#include <mutex>

namespace tenon::cuda {

namespace {

using Status = int; ///< cublasStatus_t; 0 is success
using Handle = void *;
using Description = void *; ///< of an operation, a layout or a preference

// cublasComputeType_t
constexpr int compute32F = 68, computeFastTf32 = 77;
// cudaDataType_t
constexpr int real32F = 0, real16F = 2, realBF16 = 14;
// cublasLtMatmulDescAttributes_t
constexpr int transposeA = 3, epilogueOf = 7, biasPointer = 8;
// cublasLtMatrixLayoutAttribute_t
constexpr int batchCount = 5, batchStride = 6;
// cublasLtMatmulPreferenceAttributes_t; four alignments follow each other
constexpr int maxWorkspace = 1, minAlignmentA = 5;
// cublasLtEpilogue_t, which are added
constexpr uint32_t epilogueDefault = 1, epilogueRelu = 2, epilogueBias = 4, epilogueGelu = 32;
// cublasOperation_t
constexpr int32_t transpose = 1;

/// cublasLtMatmulHeuristicResult_t.
struct Heuristic {
  uint64_t algorithm[8];
  size_t workspace;
  Status state;
  float waves;
  int reserved[4];
};

struct Functions {
  Status (*create)(Handle *) = nullptr;
  Status (*destroy)(Handle) = nullptr;
  const char *(*statusString)(Status) = nullptr;
  Status (*createOperation)(Description *, int compute, int scale) = nullptr;
  Status (*destroyOperation)(Description) = nullptr;
  Status (*setOperation)(Description, int attribute, const void *value, size_t bytes) = nullptr;
  Status (*createLayout)(Description *, int type, uint64_t rows, uint64_t columns, int64_t leading) = nullptr;
  Status (*destroyLayout)(Description) = nullptr;
  Status (*setLayout)(Description, int attribute, const void *value, size_t bytes) = nullptr;
  Status (*createPreference)(Description *) = nullptr;
  Status (*destroyPreference)(Description) = nullptr;
  Status (*setPreference)(Description, int attribute, const void *value, size_t bytes) = nullptr;
  Status (*heuristics)(Handle, Description operation, Description a, Description b, Description c, Description d,
                       Description preference, int wanted, Heuristic *results, int *found) = nullptr;
  Status (*multiply)(Handle, Description operation, const void *alpha, const void *a, Description layoutA,
                     const void *b, Description layoutB, const void *beta, const void *c, Description layoutC, void *d,
                     Description layoutD, const void *algorithm, void *workspace, size_t workspaceBytes,
                     Stream stream) = nullptr;

  std::string open() {
    SharedLibrary library;
    if (std::string error =
            library.open("TENON_CUBLASLT", {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11"});
        !error.empty())
      return error;
    library.find(create, "cublasLtCreate");
    library.find(destroy, "cublasLtDestroy");
    library.find(statusString, "cublasLtGetStatusString");
    library.find(createOperation, "cublasLtMatmulDescCreate");
    library.find(destroyOperation, "cublasLtMatmulDescDestroy");
    library.find(setOperation, "cublasLtMatmulDescSetAttribute");
    library.find(createLayout, "cublasLtMatrixLayoutCreate");
    library.find(destroyLayout, "cublasLtMatrixLayoutDestroy");
    library.find(setLayout, "cublasLtMatrixLayoutSetAttribute");
    library.find(createPreference, "cublasLtMatmulPreferenceCreate");
    library.find(destroyPreference, "cublasLtMatmulPreferenceDestroy");
    library.find(setPreference, "cublasLtMatmulPreferenceSetAttribute");
    library.find(heuristics, "cublasLtMatmulAlgoGetHeuristic");
    library.find(multiply, "cublasLtMatmul");
    return library.missing();
  }
};

int typeOf(uint32_t type) {
  return ElementType(type) == ElementType::F16 ? real16F : ElementType(type) == ElementType::BF16 ? realBF16 : real32F;
}

/// The descriptions of one product. The first call that fails ends all; `status` tells.
class ProductDescription {
public:
  ProductDescription(const Functions &lt, const CallArguments &arguments) : lt(lt) {
    const TenonDeviceCall &call = arguments.call;
    const uint64_t m = uint64_t(arguments.extents[1]), n = uint64_t(arguments.extents[2]),
                   k = uint64_t(arguments.extents[3]);
    then(lt.createOperation(&operation, call.tf32 ? computeFastTf32 : compute32F, real32F));
    if (call.transposed)
      set(lt.setOperation, operation, transposeA, transpose);
    uint32_t epilogue = call.activation == TENON_ACTIVATION_RELU   ? epilogueRelu
                        : call.activation == TENON_ACTIVATION_GELU ? epilogueGelu
                                                                   : 0;
    if (arguments.bias) {
      epilogue |= epilogueBias;
      set(lt.setOperation, operation, biasPointer, arguments.bias);
    }
    set(lt.setOperation, operation, epilogueOf, epilogue ? epilogue : epilogueDefault);
    const int type = typeOf(call.element_type);
    addLayout(a, type, call.transposed ? k : n, call.transposed ? n : k, arguments.extents[0]);
    addLayout(b, type, k, m, arguments.extents[0]);
    addLayout(d, type, n, m, arguments.extents[0]);
  }
  ~ProductDescription() {
    for (Description layout : {a, b, d})
      if (layout)
        lt.destroyLayout(layout);
    if (operation)
      lt.destroyOperation(operation);
  }
  ProductDescription(const ProductDescription &) = delete;
  ProductDescription &operator=(const ProductDescription &) = delete;

  Status status = 0;
  Description operation = nullptr, a = nullptr, b = nullptr, d = nullptr;

private:
  const Functions &lt;

  void then(Status result) { status = status ? status : result; }
  template <typename Set, typename Value>
  void set(Set function, Description description, int attribute, const Value &value) {
    if (status == 0)
      then(function(description, attribute, &value, sizeof(value)));
  }
  void addLayout(Description &layout, int type, uint64_t rows, uint64_t columns, int64_t batch) {
    if (status == 0)
      then(lt.createLayout(&layout, type, rows, columns, int64_t(rows)));
    if (batch == 1)
      return;
    set(lt.setLayout, layout, batchCount, int32_t(batch));
    set(lt.setLayout, layout, batchStride, int64_t(rows * columns));
  }
};

class CublasLt final : public CallLibrary {
public:
  explicit CublasLt(const Functions &functions) : lt(functions) {}
  ~CublasLt() override {
    if (handle)
      lt.destroy(handle);
  }

  std::string start() { return describe(lt.create(&handle)); }
  std::unique_ptr<LibraryQueue> createQueue(std::string &error) override;
  std::string multiply(const CallArguments &arguments);

private:
  using Key = std::array<uint64_t, 9>;
  static constexpr size_t mostKept = 1024;

  std::string describe(Status status) const {
    return status ? "cuBLASLt: " + std::string(lt.statusString(status)) : "";
  }
  Status choose(const CallArguments &arguments, const ProductDescription &product, Heuristic &chosen);

  Functions lt;
  Handle handle = nullptr;
  std::mutex mutex;
  std::map<Key, Heuristic> known;
};

class CublasLtQueue final : public LibraryQueue {
public:
  explicit CublasLtQueue(CublasLt &library) : library(library) {}
  std::string run(const CallArguments &arguments) override { return library.multiply(arguments); }

private:
  CublasLt &library;
};

} // namespace

std::unique_ptr<LibraryQueue> CublasLt::createQueue(std::string &) { return std::make_unique<CublasLtQueue>(*this); }

/// The algorithm for these extents.
Status CublasLt::choose(const CallArguments &arguments, const ProductDescription &product, Heuristic &chosen) {
  const TenonDeviceCall &call = arguments.call;
  const auto &e = arguments.extents;
  const Key key = {
      uint64_t(e[0]),    uint64_t(e[1]),
      uint64_t(e[2]),    uint64_t(e[3]),
      call.element_type, uint64_t(call.tf32 != 0) | uint64_t(call.transposed != 0) << 1,
      call.activation,   uint64_t(arguments.bias != nullptr) | uint64_t(arguments.residual != nullptr) << 1,
      call.workspace};
  std::lock_guard lock(mutex);
  if (auto found = known.find(key); found != known.end()) {
    chosen = found->second;
    return 0;
  }
  Description preference = nullptr;
  Status status = lt.createPreference(&preference);
  auto set = [&](int attribute, auto value) {
    status = status ? status : lt.setPreference(preference, attribute, &value, sizeof(value));
  };
  set(maxWorkspace, uint64_t(call.workspace));
  for (int operand = 0; operand < 4; ++operand)
    set(minAlignmentA + operand, uint32_t(16)); // buffers are aligned to 64, views of them to less
  int found = 0;
  constexpr Status notSupported = 15;
  status = status ? status
                  : lt.heuristics(handle, product.operation, product.a, product.b, product.d, product.d, preference, 1,
                                  &chosen, &found);
  if (preference)
    lt.destroyPreference(preference);
  status = status ? status : found < 1 ? notSupported : chosen.state;
  if (status)
    return status;
  if (known.size() >= mostKept)
    known.clear();
  known[key] = chosen;
  return 0;
}

std::string CublasLt::multiply(const CallArguments &arguments) {
  const ProductDescription product(lt, arguments);
  Heuristic chosen{};
  Status status = product.status ? product.status : choose(arguments, product, chosen);
  const float one = 1, zero = 0;
  const bool adds = arguments.residual != nullptr;
  status = status ? status
                  : lt.multiply(handle, product.operation, &one, arguments.w, product.a, arguments.x, product.b,
                                adds ? &one : &zero, adds ? arguments.residual : arguments.result, product.d,
                                arguments.result, product.d, chosen.algorithm, arguments.workspace,
                                size_t(arguments.call.workspace), arguments.stream);
  return describe(status);
}

std::unique_ptr<CallLibrary> openCublasLt(std::string &error) {
  Functions functions;
  error = functions.open();
  if (!error.empty())
    return nullptr;
  auto made = std::make_unique<CublasLt>(functions);
  error = made->start();
  return error.empty() ? std::move(made) : nullptr;
}

} // namespace tenon::cuda
