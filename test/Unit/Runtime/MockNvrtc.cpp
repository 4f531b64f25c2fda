//===- MockNvrtc.cpp - NVRTC that compiles for the virtual GPU ------------===//
//
// libmock_nvrtc.so stands in for NVRTC ($TENON_NVRTC): its "cubins" are shared objects for the host, which the mock
// driver (MockCuda.cpp) runs on the virtual GPU. So a plan for target cuda runs whole without a GPU.
//
//===----------------------------------------------------------------------===//
#include "tenon/Runtime/DeviceHeaders.h"

#include <cstring>

namespace {
struct Program {
  std::string source, log;
  std::vector<char> code;
};

int copyOut(const std::string &text, char *out) {
  std::memcpy(out, text.c_str(), text.size() + 1);
  return 0;
}
} // namespace

#pragma GCC visibility push(default)
extern "C" {

int nvrtcVersion(int *major, int *minor) {
  *major = 99; // of no real one, for what is cached
  *minor = 0;
  return 0;
}
int nvrtcCreateProgram(Program **program, const char *source, const char *, int, const char *const *,
                       const char *const *) {
  *program = new Program{source, {}, {}};
  return 0;
}
int nvrtcDestroyProgram(Program **program) {
  delete *program;
  *program = nullptr;
  return 0;
}
int nvrtcCompileProgram(Program *program, int, const char *const *) {
  program->log = tenon::vgpu::compileForHost(program->source, program->code);
  return program->log.empty() ? 0 : 6;
}
int nvrtcGetCUBINSize(Program *program, size_t *bytes) {
  *bytes = program->code.size();
  return 0;
}
int nvrtcGetCUBIN(Program *program, char *out) {
  std::memcpy(out, program->code.data(), program->code.size());
  return 0;
}
int nvrtcGetPTXSize(Program *program, size_t *bytes) { return nvrtcGetCUBINSize(program, bytes); }
int nvrtcGetPTX(Program *program, char *out) { return nvrtcGetCUBIN(program, out); }
int nvrtcGetProgramLogSize(Program *program, size_t *bytes) {
  *bytes = program->log.size() + 1;
  return 0;
}
int nvrtcGetProgramLog(Program *program, char *out) { return copyOut(program->log, out); }
const char *nvrtcGetErrorString(int status) { return status ? "NVRTC_ERROR_COMPILATION" : "NVRTC_SUCCESS"; }
}
#pragma GCC visibility pop
