//===- Runtime.cpp - The C interface of the runtime -----------------------===//
//
// A thin layer: translates structs, and turns every failure, exceptions included, into a TenonError.
//
//===----------------------------------------------------------------------===//
#include "RuntimeHandles.h"
#include "tenon/Runtime/CpuInfo.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

using namespace tenon;
using namespace tenon::capi;
using namespace tenon::runtime;

struct TenonResult {
  std::vector<std::string> names; // copies: a result may outlive its session
  std::vector<Tensor> outputs;
};

/// What is returned where there is no memory for an error. Its strings are short enough to need none.
TenonError *capi::outOfMemory() {
  static TenonError error{{"TN7011", "out of memory", "see TN7011", ""}};
  return &error;
}

TenonError *capi::makeError(const Status &status) {
  return status.ok() ? nullptr : guarded([&] { return new TenonError{status.error()}; });
}

TenonError *capi::invalidArgument(const char *what) {
  return guarded([&] { return new TenonError{Status::error("TN7014", what).error()}; });
}

const char *tenon_runtime_version(void) { return versionString(); }
const char *tenon_cpu_arch(void) { return cpuArch().data(); }
size_t tenon_type_size(int32_t type) {
  return unsigned(type) < numElementTypes ? size_t(elementSize(ElementType(type))) : 0;
}

const char *tenon_error_code(const TenonError *error) { return error ? error->info.code.c_str() : ""; }
const char *tenon_error_message(const TenonError *error) { return error ? error->info.message.c_str() : ""; }
const char *tenon_error_remedy(const TenonError *error) { return error ? error->info.remedy.c_str() : ""; }
const char *tenon_error_node(const TenonError *error) { return error ? error->info.node.c_str() : ""; }
void tenon_error_destroy(TenonError *error) {
  if (error != outOfMemory())
    delete error;
}

TenonError *tenon_error_create(const char *code, const char *message, const char *remedy, const char *node) {
  auto text = [](const char *string) { return std::string(string ? string : ""); };
  return guarded([&] { return new TenonError{{text(code), text(message), text(remedy), text(node)}}; });
}

void tenon_session_options_init(TenonSessionOptions *options) {
  if (options)
    *options = {sizeof(TenonSessionOptions), -1, 1, nullptr, nullptr, nullptr};
}

void tenon_run_options_init(TenonRunOptions *options) {
  if (options)
    *options = {sizeof(TenonRunOptions), nullptr};
}

template <typename Create>
static TenonError *createSession(const TenonSessionOptions *given, TenonSession **session, Create create) {
  if (!session)
    return invalidArgument("session is NULL");
  *session = nullptr;
  return guarded([&]() -> TenonError * {
    TenonSessionOptions read;
    tenon_session_options_init(&read);
    if (!readOptions(given, read))
      return invalidArgument("the size of the session options is wrong: use tenon_session_options_init");
    SessionOptions options;
    options.threads = read.threads;
    options.verifyWeights = read.verify_weights != 0;
    options.arch = read.arch ? read.arch : "";
    options.device = read.device ? read.device : "";
    options.transport = read.transport ? read.transport : "";
    Expected<std::unique_ptr<Session>> created = create(options);
    if (!created)
      return makeError(created.status());
    auto handle = std::make_unique<TenonSession>();
    handle->session = std::move(*created);
    for (const TensorInfo &info : handle->session->inputs())
      handle->inputs.emplace_back(info);
    for (const TensorInfo &info : handle->session->outputs())
      handle->outputs.emplace_back(info);
    *session = handle.release();
    return nullptr;
  });
}

TenonError *tenon_session_create(const char *path, const TenonSessionOptions *options, TenonSession **session) {
  if (!path)
    return invalidArgument("path is NULL");
  return createSession(options, session,
                       [&](const SessionOptions &read) { return Session::create(std::string(path), read); });
}

TenonError *tenon_session_create_from_memory(const void *data, size_t size, const TenonSessionOptions *options,
                                             TenonSession **session) {
  if (!data)
    return invalidArgument("data is NULL");
  const std::span<const uint8_t> bytes(static_cast<const uint8_t *>(data), size);
  return createSession(options, session, [&](const SessionOptions &read) { return Session::create(bytes, read); });
}

void tenon_session_destroy(TenonSession *session) { delete session; }

size_t tenon_session_num_inputs(const TenonSession *session) { return session ? session->inputs.size() : 0; }
size_t tenon_session_num_outputs(const TenonSession *session) { return session ? session->outputs.size() : 0; }
int32_t tenon_session_ranks(const TenonSession *session) { return session ? int32_t(session->session->ranks()) : 0; }
int32_t tenon_session_rank(const TenonSession *session) { return session ? int32_t(session->session->rank()) : 0; }

int32_t tenon_session_threads(const TenonSession *session) {
  return session ? int32_t(session->session->threads()) : 0;
}
const char *tenon_session_arch(const TenonSession *session) { return session ? session->session->arch().c_str() : ""; }

static TenonError *describe(const std::vector<InfoView> &views, size_t index, TenonTensorInfo *out) {
  if (!out || index >= views.size())
    return invalidArgument("info is NULL or the index is too large");
  const TensorInfo &info = *views[index].info;
  *out = {info.name.c_str(), int32_t(info.type), int32_t(info.dims.size()), info.dims.data(),
          views[index].dimNames.data()};
  return nullptr;
}

TenonError *tenon_session_input(const TenonSession *session, size_t index, TenonTensorInfo *info) {
  return session ? describe(session->inputs, index, info) : invalidArgument("session is NULL");
}

TenonError *tenon_session_output(const TenonSession *session, size_t index, TenonTensorInfo *info) {
  return session ? describe(session->outputs, index, info) : invalidArgument("session is NULL");
}

bool capi::readTensor(const TenonTensor &tensor, Tensor &out) {
  if (unsigned(tensor.type) >= numElementTypes || tensor.rank < 0 || (tensor.rank != 0 && !tensor.dims))
    return false;
  std::vector<int64_t> dims(tensor.dims, tensor.dims + tensor.rank);
  out = Tensor::borrow(tensor.data, ElementType(tensor.type), std::move(dims));
  return true;
}

/// Translates tensors; false where one is malformed.
static bool readTensors(const TenonTensor *tensors, size_t count, std::vector<NamedTensor> &out) {
  if (count != 0 && !tensors)
    return false;
  out.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (!tensors[i].name || !readTensor(tensors[i], out[i].tensor))
      return false;
    out[i].name = tensors[i].name;
  }
  return true;
}

TenonError *capi::writeProfile(const Profile &profile, const char *path) {
  const std::string text = profile.chromeTrace();
  std::FILE *file = std::fopen(path, "wb");
  bool done = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  done = (file && std::fclose(file) == 0) && done;
  if (done)
    return nullptr;
  return makeError(Status::error("TN7016", "cannot write '" + std::string(path) + "': " + std::strerror(errno)));
}

TenonError *tenon_session_run(TenonSession *session, const TenonTensor *inputs, size_t num_inputs,
                              const TenonTensor *into, size_t num_into, const TenonRunOptions *options,
                              TenonResult **result) {
  if (!session || !result)
    return invalidArgument("session or result is NULL");
  *result = nullptr;
  return guarded([&]() -> TenonError * {
    TenonRunOptions read;
    tenon_run_options_init(&read);
    if (!readOptions(options, read))
      return invalidArgument("the size of the run options is wrong: use tenon_run_options_init");
    std::vector<NamedTensor> given, targets;
    if (!readTensors(inputs, num_inputs, given) || !readTensors(into, num_into, targets))
      return invalidArgument("a tensor has no name, an unknown type, a negative rank or no dims");
    Profile profile;
    RunOptions run;
    run.profile = read.profile_path ? &profile : nullptr;
    auto outputs = session->session->run(given, run, targets);
    if (!outputs)
      return makeError(outputs.status());
    if (read.profile_path)
      if (TenonError *error = writeProfile(profile, read.profile_path))
        return error;
    auto made = std::make_unique<TenonResult>();
    for (const TensorInfo &info : session->session->outputs())
      made->names.push_back(info.name);
    made->outputs = std::move(*outputs);
    *result = made.release();
    return nullptr;
  });
}

size_t tenon_result_num_outputs(const TenonResult *result) { return result ? result->outputs.size() : 0; }

TenonError *tenon_result_output(const TenonResult *result, size_t index, TenonTensor *tensor) {
  if (!result || !tensor || index >= result->outputs.size())
    return invalidArgument("result or tensor is NULL or the index is too large");
  const Tensor &output = result->outputs[index];
  *tensor = {result->names[index].c_str(), output.data.get(), int32_t(output.type), int32_t(output.dims.size()),
             output.dims.data()};
  return nullptr;
}

void tenon_result_destroy(TenonResult *result) { delete result; }
