// Kernels that libraries compute, on mocks of the driver, of cuBLASLt and of cuDNN.
#include "CudaMockTest.h"
#include "DeviceSample.h"

#include <cmath>
#include <functional>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::test;

namespace {

constexpr uint32_t none = 4294967295u;

/// result[m, n] of x[M, k] and w[k, n], or of [b, ..], with a bias that is the plan's weight, and `times` calls.
struct ProductPlan {
  int64_t batch = 1, n = 4, k = 3;
  bool transposed = false, bias = false, residual = false, tf32 = false;
  plan::Activation activation = plan::Activation::None;
  int times = 1;

  PlanMaker make() const {
    using namespace plan;
    PlanMaker m;
    const uint32_t M = m.inputDim(0, 1), zero = m.constant(0), one = m.constant(1), four = m.constant(4);
    const uint32_t B = m.constant(batch), N = m.constant(n), K = m.constant(k);
    auto tensorBytes = [&](uint32_t rows, uint32_t columns) { return m.mul(m.mul(m.mul(B, rows), columns), four); };
    m.function().inputs.push_back(m.tensor("x", {B, M, K}, {"", "M", ""}));
    m.function().inputs.push_back(transposed ? m.tensor("w", {B, N, K}, {"", "", ""})
                                             : m.tensor("w", {B, K, N}, {"", "", ""}));
    m.function().inputs.push_back(m.tensor("r", {B, M, N}, {"", "M", ""}));
    m.function().outputs.push_back(m.tensor("y", {B, M, N}, {"", "M", ""}));
    const uint32_t bytes[] = {tensorBytes(M, K), tensorBytes(K, N), tensorBytes(M, N)};
    const uint32_t last = 3 + uint32_t(times);
    uint32_t in[3], arena[3];
    for (uint32_t i = 0; i < 3; ++i) {
      in[i] = m.buffer(BufferKind::Input, i, bytes[i]);
      arena[i] = m.buffer(BufferKind::Arena, 0, bytes[i], i, last);
      m.copy({in[i], zero}, {arena[i], zero}, bytes[i]);
    }
    const uint32_t weight = m.buffer(BufferKind::Weight, 0, m.constant(16));
    const uint32_t result = m.buffer(BufferKind::Arena, 0, bytes[2], 3, last);
    const uint32_t kernel = m.kernel("k0_product", 5, 4);
    auto call = std::make_unique<LibraryCallT>();
    call->x = 0;
    call->w = 1;
    call->bias = bias ? 3 : none;
    call->residual = residual ? 2 : none;
    call->result = 4;
    call->tf32 = tf32;
    call->transposed = transposed;
    call->activation = activation;
    call->workspace = 4096;
    m.plan.kernels[kernel]->call = std::move(call);
    for (int i = 0; i < times; ++i)
      m.launch(kernel, one, {{arena[0], zero}, {arena[1], zero}, {arena[2], zero}, {weight, zero}, {result, zero}},
               {B, M, N, K}, {"MatMul_0"});
    m.copy({result, zero}, {m.buffer(BufferKind::Output, 0, bytes[2]), zero}, bytes[2]);
    auto stored = std::make_unique<WeightT>();
    stored->name = "bias";
    stored->length = 16;
    m.plan.weights.push_back(std::move(stored));
    m.plan.target = "cuda";
    return m;
  }
};

/// y of x[2, h, w, 2] and a filter [4, 3, 3, 2 / groups], pads 1, strides 1 and 2; bias is the plan's weight.
struct ConvPlan {
  bool bias = false, residual = false;
  plan::Activation activation = plan::Activation::None;
  uint32_t groups = 1;

  PlanMaker make() const {
    using namespace plan;
    PlanMaker m;
    const uint32_t zero = m.constant(0), one = m.constant(1), two = m.constant(2), three = m.constant(3),
                   four = m.constant(4), five = m.constant(5), six = m.constant(6), depth = m.constant(2 / groups);
    auto bytesOf = [&](std::vector<uint32_t> dims) {
      uint32_t product = four;
      for (uint32_t dim : dims)
        product = m.mul(product, dim);
      return product;
    };
    const std::vector<uint32_t> dims[] = {{two, five, six, two}, {four, three, three, depth}, {two, five, three, four}};
    const char *names[] = {"x", "w", "r"};
    uint32_t arena[3];
    for (uint32_t i = 0; i < 3; ++i) {
      m.function().inputs.push_back(m.tensor(names[i], dims[i], {}));
      const uint32_t in = m.buffer(BufferKind::Input, i, bytesOf(dims[i]));
      arena[i] = m.buffer(BufferKind::Arena, 0, bytesOf(dims[i]), i, 3);
      m.copy({in, zero}, {arena[i], zero}, bytesOf(dims[i]));
    }
    m.function().outputs.push_back(m.tensor("y", dims[2], {}));
    const uint32_t weight = m.buffer(BufferKind::Weight, 0, m.constant(16));
    const uint32_t result = m.buffer(BufferKind::Arena, 0, bytesOf(dims[2]), 3, 4);
    const uint32_t kernel = m.kernel("k0_conv", 5, 7);
    auto call = std::make_unique<LibraryCallT>();
    call->library = Library::Cudnn;
    call->x = 0;
    call->w = 1;
    call->bias = bias ? 3 : none;
    call->residual = residual ? 2 : none;
    call->result = 4;
    call->activation = activation;
    call->window = {3, 3, 1, 2, 1, 1, 1, 1, groups};
    call->workspace = 1 << 20;
    m.plan.kernels[kernel]->call = std::move(call);
    m.launch(kernel, one, {{arena[0], zero}, {arena[1], zero}, {arena[2], zero}, {weight, zero}, {result, zero}},
             {two, five, six, two, five, three, four}, {"Conv_0"});
    m.copy({result, zero}, {m.buffer(BufferKind::Output, 0, bytesOf(dims[2])), zero}, bytesOf(dims[2]));
    auto stored = std::make_unique<WeightT>();
    stored->name = "bias";
    stored->length = 16;
    m.plan.weights.push_back(std::move(stored));
    m.plan.target = "cuda";
    return m;
  }
};

std::vector<float> ramp(size_t count, int step) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = float(int(i * size_t(step) % 11) - 5);
  return values;
}

float activate(float v, plan::Activation activation) {
  if (activation == plan::Activation::Relu)
    return std::max(v, 0.0f);
  return activation == plan::Activation::Gelu ? 0.5f * v * (1 + std::tanh(0.7978845608f * (v + 0.044715f * v * v * v)))
                                              : v;
}

class CudaLibrary : public CudaMockTest {
protected:
  static Expected<std::unique_ptr<Session>> open(PlanMaker m) {
    return Session::create(packed(std::move(m), {"sm_90a"}, textArchive({"MOCK"})), SessionOptions());
  }
  static std::string failure(PlanMaker m) {
    auto session = open(std::move(m));
    return session.ok() ? "" : session.status().str();
  }
  static std::string failure(Session &session, int64_t rows = 2) {
    const std::vector<float> x = ramp(size_t(rows) * 3, 3), w = ramp(12, 5), r = ramp(size_t(rows) * 4, 7);
    auto y = session.run(std::vector<Tensor>{floats(x, {1, rows, 3}), floats(w, {1, 3, 4}), floats(r, {1, rows, 4})});
    return y.ok() ? "" : y.status().error().code + " " + y.status().error().message;
  }
  static void check(const ProductPlan &p, Session &session, int64_t m);
  static void check(const ConvPlan &p, Session &session);
};

void CudaLibrary::check(const ProductPlan &p, Session &session, int64_t m) {
  const std::vector<float> x = ramp(size_t(p.batch * m * p.k), 3), w = ramp(size_t(p.batch * p.k * p.n), 5),
                           r = ramp(size_t(p.batch * m * p.n), 7);
  const std::vector<int64_t> wDims =
      p.transposed ? std::vector<int64_t>{p.batch, p.n, p.k} : std::vector<int64_t>{p.batch, p.k, p.n};
  auto y =
      session.run(std::vector<Tensor>{floats(x, {p.batch, m, p.k}), floats(w, wDims), floats(r, {p.batch, m, p.n})});
  ASSERT_TRUE(y.ok()) << y.status().str();
  for (int64_t b = 0; b < p.batch; ++b)
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < p.n; ++j) {
        float sum = p.bias ? 10 * float(j + 1) : 0;
        const size_t at = size_t((b * m + i) * p.n + j);
        sum += p.residual ? r[at] : 0;
        for (int64_t k = 0; k < p.k; ++k)
          sum += x[size_t((b * m + i) * p.k + k)] *
                 w[size_t(p.transposed ? (b * p.n + j) * p.k + k : (b * p.k + k) * p.n + j)];
        EXPECT_FLOAT_EQ((*y)[0].as<float>()[at], activate(sum, p.activation)) << b << " " << i << " " << j;
      }
}

void CudaLibrary::check(const ConvPlan &p, Session &session) {
  const int64_t depth = 2 / p.groups;
  const std::vector<float> x = ramp(120, 3), w = ramp(size_t(36 * depth), 5), r = ramp(120, 7);
  auto y =
      session.run(std::vector<Tensor>{floats(x, {2, 5, 6, 2}), floats(w, {4, 3, 3, depth}), floats(r, {2, 5, 3, 4})});
  ASSERT_TRUE(y.ok()) << y.status().str();
  for (int64_t at = 0; at < 120; ++at) {
    const int64_t m = at % 4, column = at / 4 % 3, row = at / 12 % 5, image = at / 60;
    float sum = (p.bias ? 10 * float(m + 1) : 0) + (p.residual ? r[size_t(at)] : 0);
    for (int64_t tap = 0; tap < 9; ++tap)
      for (int64_t c = 0; c < depth; ++c) {
        const int64_t iy = row + tap / 3 - 1, ix = 2 * column + tap % 3 - 1;
        if (iy >= 0 && iy < 5 && ix >= 0 && ix < 6)
          sum += x[size_t(((image * 5 + iy) * 6 + ix) * 2 + m / (4 / p.groups) * depth + c)] *
                 w[size_t((m * 9 + tap) * depth + c)];
      }
    EXPECT_FLOAT_EQ((*y)[0].as<float>()[at], activate(sum, p.activation)) << at;
  }
}

} // namespace

TEST_F(CudaLibrary, Multiplies) {
  using plan::Activation;
  const ProductPlan plans[] = {{},
                               {.batch = 3, .n = 4, .k = 5},
                               {.batch = 2, .n = 4, .k = 5, .transposed = true},
                               {.bias = true, .activation = Activation::Relu},
                               {.bias = true, .residual = true, .activation = Activation::Relu},
                               {.residual = true},
                               {.transposed = true, .bias = true, .activation = Activation::Gelu},
                               {.activation = Activation::Gelu}};
  for (const ProductPlan &p : plans) {
    auto session = open(p.make());
    ASSERT_TRUE(session.ok()) << session.status().str();
    for (int64_t m : {1, 7, 2, 7})
      check(p, **session, m);
  }
}

TEST_F(CudaLibrary, TellsCublasLtWhatThePlanSays) {
  const ProductPlan p{
      .batch = 2, .n = 4, .k = 3, .transposed = true, .bias = true, .tf32 = true, .activation = plan::Activation::Relu};
  auto session = open(p.make());
  ASSERT_TRUE(session.ok()) << session.status().str();
  check(p, **session, 5);
  EXPECT_EQ(report().launches, std::vector<std::string>{
                                   "cublasLtMatmul f32 tf32 batch 2 m 5 n 4 k 3 transposed bias relu workspace 4096"});
}

TEST_F(CudaLibrary, Convolves) {
  using plan::Activation;
  const ConvPlan plans[] = {{},
                            {.bias = true},
                            {.bias = true, .activation = Activation::Relu},
                            {.bias = true, .residual = true, .activation = Activation::Relu},
                            {.bias = true, .groups = 2}};
  for (const ConvPlan &p : plans) {
    auto session = open(p.make());
    ASSERT_TRUE(session.ok()) << session.status().str();
    check(p, **session);
    check(p, **session);
  }
}

TEST_F(CudaLibrary, TellsCudnnWhatThePlanSays) {
  const ConvPlan p{.bias = true, .residual = true, .activation = plan::Activation::Relu};
  auto session = open(p.make());
  ASSERT_TRUE(session.ok()) << session.status().str();
  check(p, **session);
  EXPECT_EQ(report().launches,
            std::vector<std::string>{"cudnnConvolutionBiasActivationForward f32 math 3 x 2x5x6x2 w 4x3x3x2 groups 1 "
                                     "residual bias relu workspace 1048576"});
}

TEST_F(CudaLibrary, IsCapturedInGraphs) {
  ProductPlan p{.bias = true};
  p.times = 4;
  auto session = open(p.make());
  ASSERT_TRUE(session.ok()) << session.status().str();
  report();
  check(p, **session, 6);
  EXPECT_EQ(report().launches.size(), 4u);
  check(p, **session, 6); // records
  MockCudaReport seen = report();
  EXPECT_EQ(seen.launches.size(), 0u);
  EXPECT_EQ(seen.graphs, 1);
  check(p, **session, 6);
  seen = report();
  EXPECT_EQ(seen.launches.size(), 0u);
  EXPECT_EQ(seen.calls["cuGraphLaunch"], 1);
}

TEST_F(CudaLibrary, MissingLibraryIsRefusedByName) {
  setenv("TENON_CUBLASLT", "/nonexistent/libcublasLt.so", 1);
  const std::string product = failure(ProductPlan().make());
  EXPECT_NE(product.find("TN8004"), std::string::npos) << product;
  EXPECT_NE(product.find("kernel 'k0_product' calls cuBLASLt, which cannot be opened: /nonexistent/libcublasLt.so"),
            std::string::npos)
      << product;
  setenv("TENON_CUDNN", TENON_MOCK_CUDA, 1);
  const std::string convolution = failure(ConvPlan().make());
  EXPECT_NE(convolution.find("TN8004"), std::string::npos) << convolution;
  EXPECT_NE(convolution.find("lacks cudnnCreate"), std::string::npos) << convolution;
  EXPECT_EQ(failure(deviceSample("cuda")).substr(0, 6), "TN8002"); // its image lacks kernels: no library is opened
}

TEST_F(CudaLibrary, ReportsWhatALibrarySays) {
  for (const char *function : {"cublasLtMatmul", "cublasLtMatmulAlgoGetHeuristic"}) {
    auto session = open(ProductPlan().make());
    ASSERT_TRUE(session.ok()) << session.status().str();
    setenv("TENON_MOCK_FAIL_LIBRARY", (std::string(function) + "=14").c_str(), 1);
    EXPECT_EQ(failure(**session), "TN8003 kernel 'k0_product': cuBLASLt: CUBLAS_STATUS_INTERNAL_ERROR");
    unsetenv("TENON_MOCK_FAIL_LIBRARY");
    EXPECT_EQ(failure(**session), "");
  }
  setenv("TENON_MOCK_FAIL_LIBRARY", "cublasLtCreate=14", 1);
  EXPECT_NE(failure(ProductPlan().make()).find("cuBLASLt: CUBLAS_STATUS_INTERNAL_ERROR"), std::string::npos);
  setenv("TENON_MOCK_FAIL_LIBRARY", "cudnnCreate=14", 1); // the queue that uploads weights
  EXPECT_NE(failure(ConvPlan().make()).find("cuDNN: CUDNN_STATUS_EXECUTION_FAILED"), std::string::npos);
}

TEST_F(CudaLibrary, ReportsTooLittleMemoryForAWorkspace) {
  ProductPlan p;
  setenv("TENON_MOCK_MEMORY", "2000", 1);
  EXPECT_NE(failure(p.make()).find("workspace of 4096 bytes: out of memory"), std::string::npos);
}

TEST_F(CudaLibrary, TakesNoEmptyExtent) {
  auto session = open(ProductPlan().make());
  ASSERT_TRUE(session.ok()) << session.status().str();
  EXPECT_EQ(failure(**session, 0), "TN8003 kernel 'k0_product': cuBLASLt takes no extent of 0"); // its grid is 1
}

TEST_F(CudaLibrary, ProfilesByTheClockOfTheDevice) {
  const ProductPlan p;
  auto session = open(p.make());
  ASSERT_TRUE(session.ok()) << session.status().str();
  const std::vector<float> x = ramp(6, 3), w = ramp(12, 5), r = ramp(8, 7);
  Profile profile;
  RunOptions options;
  options.profile = &profile;
  const NamedTensor inputs[] = {{"x", floats(x, {1, 2, 3})}, {"w", floats(w, {1, 3, 4})}, {"r", floats(r, {1, 2, 4})}};
  auto y = (*session)->run(std::vector<NamedTensor>(std::begin(inputs), std::end(inputs)), options);
  ASSERT_TRUE(y.ok()) << y.status().str();
  ASSERT_EQ(profile.events.size(), 5u);
  EXPECT_NEAR(double(profile.events[0].duration), 1000, 2); // a copy
  EXPECT_NEAR(double(profile.events[3].duration), 5000, 2); // the call
  EXPECT_GE(report().events, 6);
}

TEST_F(CudaLibrary, PlansAreVerified) {
  using namespace plan;
  auto refusal = [](PlanMaker m, const std::function<void(KernelT &)> &change) {
    change(*m.plan.kernels[0]);
    TemporaryFolder folder;
    return writePlan(folder / "a.tenon", m.plan, {10, 20, 30, 40}).str();
  };
  const std::pair<const char *, std::function<void(KernelT &)>> products[] = {
      {"an element type", [](KernelT &k) { k.call->type = plan::ElementType::I64; }},
      {"an operand that is no buffer", [](KernelT &k) { k.call->x = 5; }},
      {"an operand that is no buffer", [](KernelT &k) { k.call->w = none; }},
      {"an operand that is no buffer", [](KernelT &k) { k.call->bias = 7; }},
      {"no result", [](KernelT &k) { k.call->result = none; }},
      {"parameters, tensor maps or threads", [](KernelT &k) { k.threads = 32; }},
      {"a window that it does not take", [](KernelT &k) { k.call->window = {1}; }},
      {"workspace", [](KernelT &k) { k.call->workspace = uint64_t(1) << 40; }},
      {"an unknown library", [](KernelT &k) { k.call->activation = Activation(9); }},
      {"parameters, tensor maps or threads", [](KernelT &k) { k.call->library = Library::Cudnn; }}};
  for (const auto &[message, change] : products)
    EXPECT_NE(refusal(ProductPlan().make(), change).find(message), std::string::npos) << message;
  const std::pair<const char *, std::function<void(KernelT &)>> convolutions[] = {
      {"a window that it does not take", [](KernelT &k) { k.call->window.pop_back(); }},
      {"a window that is out of range", [](KernelT &k) { k.call->window[2] = 0; }},
      {"a window that is out of range", [](KernelT &k) { k.call->window[5] = 1u << 31; }},
      {"an activation or residual", [](KernelT &k) { k.call->activation = Activation::Relu; }},
      {"an activation or residual", [](KernelT &k) { k.call->residual = 2; }}};
  for (const auto &[message, change] : convolutions)
    EXPECT_NE(refusal(ConvPlan().make(), change).find(message), std::string::npos) << message;
}
