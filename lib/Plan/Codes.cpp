//===- Codes.cpp - The table of TN6xxx to TN8xxx error codes -------------===//
//
// Exit statuses are those of the tools: 1 model error, 2 usage, 3 unsupported, 4 resource limit, 5 integrity, 6 device.
//
//===----------------------------------------------------------------------===//
#include "tenon/Plan/Codes.h"

namespace tenon {

static constexpr std::string_view recompile = "compile the model again; copy the file again if it was transferred";
static constexpr std::string_view reportBug = "compile the model again; if it happens again, report it as a bug";

static constexpr ErrorCode codes[] = {
    {"TN6001", "the file cannot be read", "check the path and its permissions", 2},
    {"TN6002", "the file is not a Tenon plan", "pass a file written by `tenon compile`", 5},
    {"TN6003", "the format version is not supported", "compile the model with this version of Tenon", 3},
    {"TN6004", "the plan needs features this runtime does not have", "use a newer runtime", 3},
    {"TN6005", "the file is truncated or has bytes after its end", recompile, 5},
    {"TN6006", "the header is damaged", recompile, 5},
    {"TN6007", "the section table is invalid", recompile, 5},
    {"TN6008", "a section does not match its digest", recompile, 5},
    {"TN6009", "padding between sections is not zero", recompile, 5},
    {"TN6010", "the PLAN section is not a valid FlatBuffer", recompile, 5},
    {"TN6011", "an index in the plan is out of range", reportBug, 5},
    {"TN6012", "a range in the plan lies outside its section", reportBug, 5},
    {"TN6013", "an offset in the plan is misaligned", reportBug, 5},
    {"TN6014", "a shape program is invalid", reportBug, 5},
    {"TN6015", "buffer lifetimes or arena offsets are invalid", reportBug, 5},
    {"TN6016", "a launch does not fit its kernel", reportBug, 5},
    {"TN6017", "a code object is not a valid ELF shared object", reportBug, 5},
    {"TN6018", "a code object holds something that is not allowed", reportBug, 5},
    {"TN6019", "a code object lacks a kernel", reportBug, 5},
    {"TN6020", "the plan cannot be written", "check that the folder exists, is writable and has space", 2},
    {"TN6021", "a field of the plan has a value that is not allowed", reportBug, 5},
    {"TN6022", "the KERNELS section is invalid", recompile, 5},
    {"TN6023", "the ranks of a plan do not fit together", reportBug, 5},
    {"TN6024", "ranks of a plan would wait for each other for ever", reportBug, 5},
    {"TN7001", "the plan has no code for this processor", "compile with --arch for this machine", 3},
    {"TN7002", "the requested architecture is not available", "choose one the plan holds and the machine runs", 3},
    {"TN7003", "there is no input or output of this name", "use the names that `tenon inspect` lists", 2},
    {"TN7004", "an input is missing", "pass every input that `tenon inspect` lists", 2},
    {"TN7005", "an input has the wrong element type", "convert it to the type expected", 2},
    {"TN7006", "an input has the wrong rank", "reshape it to the rank expected", 2},
    {"TN7007", "an input has a wrong extent", "pass the extents that `tenon inspect` lists", 2},
    {"TN7008", "two extents of the same name differ", "pass inputs whose extents agree", 2},
    {"TN7009", "the shapes of this run cannot be computed", "pass inputs whose extents the model accepts", 1},
    {"TN7010", "a check of the model failed", "pass inputs whose extents the model accepts", 1},
    {"TN7011", "there is not enough memory", "use smaller inputs, fewer threads or a larger machine", 4},
    {"TN7012", "a buffer is too small for these shapes", reportBug, 5},
    {"TN7013", "a tensor given for an output does not fit it", "pass a tensor of the output's type and extents", 2},
    {"TN7014", "an argument is invalid", "see the documentation of the function", 2},
    {"TN7015", "threads cannot be started", "use fewer threads", 4},
    {"TN7016", "the profile cannot be written", "check that the folder exists, is writable and has space", 2},
    {"TN7017", "the plan's target device is not available", "compile with --target=cpu", 3},
    {"TN7018", "a tensor, sequence or optional does not fit an operator", "pass inputs that the model accepts", 1},
    {"TN7019", "another rank has failed", "see the message for what happened there", 6},
    {"TN7020", "what ranks have for each other differs", reportBug, 5},
    {"TN7021", "the plan's ranks cannot be run as asked", "start as many ranks as the plan has", 2},
    {"TN7030", "the tasks of a step cannot be scheduled", "pass tasks without circles, with work of at least 0", 2},
    {"TN7031", "a worker is lost", "see the message; its work is given to other workers", 6},
    {"TN7032", "all workers of a batch are lost", "see the message for what happened to the last one", 6},
    {"TN7033", "the batch of this model cannot be divided", "run it with --schedule=static", 2},
    {"TN7034", "samples of a batch depend on each other", "run it with --schedule=static", 2},
    {"TN8001", "the library of a device cannot be opened", "install it, or set TENON_DEVICE_PATH to its folder", 6},
    {"TN8002", "a device does not take the plan", "compile for an architecture that the device has", 6},
    {"TN8003", "a device reports an error", "see the message; `tenon doctor` says what this machine has", 6},
    {"TN8004", "a library that the plan calls is missing", "install it, or compile with --tactics=own", 6},
};

const ErrorCode *errorCodes(std::size_t &count) {
  count = sizeof(codes) / sizeof(codes[0]);
  return codes;
}

const ErrorCode *findErrorCode(std::string_view code) {
  for (const ErrorCode &entry : codes)
    if (entry.code == code)
      return &entry;
  return nullptr;
}

} // namespace tenon
