//===- host_math.cuh - Mathematical functions of CUDA, for a host compiler ===//
//
// Host only. Declarations of libm (noexcept, as glibc declares them) and CUDA's intrinsics by means of them. The fast
// intrinsics (__expf, ...) are exact here: compare with a tolerance.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_CUDA_HOST_MATH_CUH
#define TENON_CUDA_HOST_MATH_CUH

extern "C" {
#define TENON_HOST_UNARY(name)                                                                                         \
  float name##f(float) noexcept;                                                                                       \
  double name(double) noexcept;
#define TENON_HOST_BINARY(name)                                                                                        \
  float name##f(float, float) noexcept;                                                                                \
  double name(double, double) noexcept;
TENON_HOST_UNARY(exp)
TENON_HOST_UNARY(exp2)
TENON_HOST_UNARY(expm1)
TENON_HOST_UNARY(log)
TENON_HOST_UNARY(log2)
TENON_HOST_UNARY(log10)
TENON_HOST_UNARY(log1p)
TENON_HOST_UNARY(sqrt)
TENON_HOST_UNARY(cbrt)
TENON_HOST_UNARY(sin)
TENON_HOST_UNARY(cos)
TENON_HOST_UNARY(tan)
TENON_HOST_UNARY(asin)
TENON_HOST_UNARY(acos)
TENON_HOST_UNARY(atan)
TENON_HOST_UNARY(sinh)
TENON_HOST_UNARY(cosh)
TENON_HOST_UNARY(tanh)
TENON_HOST_UNARY(asinh)
TENON_HOST_UNARY(acosh)
TENON_HOST_UNARY(atanh)
TENON_HOST_UNARY(erf)
TENON_HOST_UNARY(erfc)
TENON_HOST_UNARY(fabs)
TENON_HOST_UNARY(floor)
TENON_HOST_UNARY(ceil)
TENON_HOST_UNARY(trunc)
TENON_HOST_UNARY(round)
TENON_HOST_UNARY(rint)
TENON_HOST_UNARY(nearbyint)
TENON_HOST_BINARY(pow)
TENON_HOST_BINARY(atan2)
TENON_HOST_BINARY(fmod)
TENON_HOST_BINARY(remainder)
TENON_HOST_BINARY(fmax)
TENON_HOST_BINARY(fmin)
TENON_HOST_BINARY(fdim)
TENON_HOST_BINARY(hypot)
TENON_HOST_BINARY(copysign)
#undef TENON_HOST_UNARY
#undef TENON_HOST_BINARY
float fmaf(float, float, float) noexcept;
double fma(double, double, double) noexcept;
int abs(int) noexcept;
long long llabs(long long) noexcept;
int printf(const char *__restrict, ...);
}

// CUDA overloads the double names for float.
#define TENON_HOST_OVERLOAD(name)                                                                                      \
  inline float name(float x) { return name##f(x); }
TENON_HOST_OVERLOAD(exp)
TENON_HOST_OVERLOAD(log)
TENON_HOST_OVERLOAD(sqrt)
TENON_HOST_OVERLOAD(sin)
TENON_HOST_OVERLOAD(cos)
TENON_HOST_OVERLOAD(tanh)
TENON_HOST_OVERLOAD(erf)
TENON_HOST_OVERLOAD(floor)
TENON_HOST_OVERLOAD(ceil)
TENON_HOST_OVERLOAD(trunc)
TENON_HOST_OVERLOAD(round)
TENON_HOST_OVERLOAD(rint)
#undef TENON_HOST_OVERLOAD
inline float abs(float x) { return __builtin_fabsf(x); }
inline float pow(float x, float y) { return powf(x, y); }
inline float fmax(float x, float y) { return fmaxf(x, y); }
inline float fmin(float x, float y) { return fminf(x, y); }

#define TENON_HOST_MIN_MAX(type)                                                                                       \
  inline type min(type a, type b) { return b < a ? b : a; }                                                            \
  inline type max(type a, type b) { return a < b ? b : a; }
TENON_HOST_MIN_MAX(int)
TENON_HOST_MIN_MAX(unsigned)
TENON_HOST_MIN_MAX(long)
TENON_HOST_MIN_MAX(unsigned long)
TENON_HOST_MIN_MAX(long long)
TENON_HOST_MIN_MAX(unsigned long long)
#undef TENON_HOST_MIN_MAX
// A NaN loses, as on the device.
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }

inline float rsqrtf(float x) { return 1.0f / __builtin_sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / __builtin_sqrt(x); }
inline float __expf(float x) { return expf(x); }
inline float __exp10f(float x) { return powf(10.0f, x); }
inline float exp10f(float x) { return powf(10.0f, x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __log10f(float x) { return log10f(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __tanf(float x) { return tanf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __frsqrt_rn(float x) { return 1.0f / __builtin_sqrtf(x); }
inline float __fsqrt_rn(float x) { return __builtin_sqrtf(x); }
inline float __fmaf_rn(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
inline float __saturatef(float x) { return fminf(fmaxf(x, 0.0f), 1.0f); }

#if !defined(isnan)
#define TENON_HOST_CLASSIFY(type)                                                                                      \
  inline bool isnan(type x) { return __builtin_isnan(x); }                                                             \
  inline bool isinf(type x) { return __builtin_isinf(x); }                                                             \
  inline bool isfinite(type x) { return __builtin_isfinite(x); }                                                       \
  inline bool signbit(type x) { return __builtin_signbit(x); }
TENON_HOST_CLASSIFY(float)
TENON_HOST_CLASSIFY(double)
#undef TENON_HOST_CLASSIFY
#endif

namespace tenon::vgpu {
template <class To, class From>
inline To reinterpretBits(From from) {
  static_assert(sizeof(To) == sizeof(From), "same size");
  To to;
  __builtin_memcpy(&to, &from, sizeof to);
  return to;
}
} // namespace tenon::vgpu
inline int __float_as_int(float x) { return tenon::vgpu::reinterpretBits<int>(x); }
inline unsigned __float_as_uint(float x) { return tenon::vgpu::reinterpretBits<unsigned>(x); }
inline float __int_as_float(int x) { return tenon::vgpu::reinterpretBits<float>(x); }
inline float __uint_as_float(unsigned x) { return tenon::vgpu::reinterpretBits<float>(x); }
inline long long __double_as_longlong(double x) { return tenon::vgpu::reinterpretBits<long long>(x); }
inline double __longlong_as_double(long long x) { return tenon::vgpu::reinterpretBits<double>(x); }
inline int __float2int_rn(float x) { return static_cast<int>(__builtin_rintf(x)); }
inline int __float2int_rz(float x) { return static_cast<int>(x); }
inline float __int2float_rn(int x) { return static_cast<float>(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clz(int x) { return x ? __builtin_clz(x) : 32; }
inline int __clzll(long long x) { return x ? __builtin_clzll(x) : 64; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>((1ull * a * b) >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>(((static_cast<unsigned long long>(high) << 32) | low) >> (shift & 31));
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return static_cast<unsigned>((((static_cast<unsigned long long>(high) << 32) | low) << (shift & 31)) >> 32);
}

#endif // TENON_CUDA_HOST_MATH_CUH
