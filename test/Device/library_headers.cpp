// The constants and structs that the CUDA device declares for cuBLASLt and cuDNN are those of NVIDIA's headers.
// Compiled, not run, where there are such headers (test/Integration/test_cuda_tactics.py).
#include "CublasLt.cpp"

// Names that both files have.
#define Status DnnStatus
#define Handle DnnHandle
#define Description DnnDescription
#define Functions DnnFunctions
#define typeOf dnnTypeOf
#include "Cudnn.cpp"
#undef Status
#undef Handle
#undef Description
#undef Functions
#undef typeOf

#include <cublasLt.h>
#include <cudnn.h>

namespace tenon::cuda {

static_assert(sizeof(Heuristic) == sizeof(cublasLtMatmulHeuristicResult_t));
static_assert(offsetof(Heuristic, workspace) == offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
static_assert(offsetof(Heuristic, state) == offsetof(cublasLtMatmulHeuristicResult_t, state));
static_assert(compute32F == CUBLAS_COMPUTE_32F && computeFastTf32 == CUBLAS_COMPUTE_32F_FAST_TF32);
static_assert(real32F == CUDA_R_32F && real16F == CUDA_R_16F && realBF16 == CUDA_R_16BF);
static_assert(transposeA == CUBLASLT_MATMUL_DESC_TRANSA && epilogueOf == CUBLASLT_MATMUL_DESC_EPILOGUE &&
              biasPointer == CUBLASLT_MATMUL_DESC_BIAS_POINTER && transpose == CUBLAS_OP_T);
static_assert(batchCount == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT &&
              batchStride == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET);
static_assert(maxWorkspace == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES &&
              minAlignmentA == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES &&
              minAlignmentA + 3 == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
static_assert(epilogueDefault == CUBLASLT_EPILOGUE_DEFAULT && epilogueRelu == CUBLASLT_EPILOGUE_RELU &&
              epilogueBias == CUBLASLT_EPILOGUE_BIAS && epilogueGelu == CUBLASLT_EPILOGUE_GELU &&
              (epilogueRelu | epilogueBias) == CUBLASLT_EPILOGUE_RELU_BIAS &&
              (epilogueGelu | epilogueBias) == CUBLASLT_EPILOGUE_GELU_BIAS);

static_assert(sizeof(Performance) == sizeof(cudnnConvolutionFwdAlgoPerf_t));
static_assert(offsetof(Performance, workspace) == offsetof(cudnnConvolutionFwdAlgoPerf_t, memory));
static_assert(offsetof(Performance, status) == offsetof(cudnnConvolutionFwdAlgoPerf_t, status));
static_assert(channelsFirst == CUDNN_TENSOR_NCHW && channelsLast == CUDNN_TENSOR_NHWC);
static_assert(typeFloat == CUDNN_DATA_FLOAT && typeHalf == CUDNN_DATA_HALF && typeBFloat16 == CUDNN_DATA_BFLOAT16);
static_assert(crossCorrelation == CUDNN_CROSS_CORRELATION && mathDefault == CUDNN_DEFAULT_MATH &&
              mathTensor == CUDNN_TENSOR_OP_MATH && mathFma == CUDNN_FMA_MATH);
static_assert(activationRelu == CUDNN_ACTIVATION_RELU && activationIdentity == CUDNN_ACTIVATION_IDENTITY);
static_assert(implicitPrecompGemm == CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM);
static_assert(notSupported == CUDNN_STATUS_NOT_SUPPORTED);

} // namespace tenon::cuda
