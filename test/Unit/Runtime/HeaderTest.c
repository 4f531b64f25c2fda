// The headers are C99, and complete by themselves.
#include "tenon-c/device.h"
#include "tenon-c/runtime.h"

int tenon_test_header(void) { return (int)sizeof(TenonTensor); }
