// The header is C99, and complete by itself.
#include "tenon-c/runtime.h"

int tenon_test_header(void) { return (int)sizeof(TenonTensor); }
