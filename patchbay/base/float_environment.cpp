#include "patchbay/base/float_environment.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace patchbay {

#if defined(__x86_64__)
namespace {
constexpr unsigned kDefaultMode = 0x1F80;  // all exceptions masked, nearest even, no FTZ, no DAZ
}
FloatEnvironment::FloatEnvironment() : saved_(_mm_getcsr()) { _mm_setcsr(kDefaultMode); }
FloatEnvironment::~FloatEnvironment() { _mm_setcsr(static_cast<unsigned>(saved_)); }
#elif defined(__aarch64__)
FloatEnvironment::FloatEnvironment() : saved_(0) {
  unsigned long long mode = 0;
  asm volatile("mrs %0, fpcr" : "=r"(saved_));
  asm volatile("msr fpcr, %0" : : "r"(mode));
}
FloatEnvironment::~FloatEnvironment() { asm volatile("msr fpcr, %0" : : "r"(saved_)); }
#else
FloatEnvironment::FloatEnvironment() : saved_(0) {}
FloatEnvironment::~FloatEnvironment() { static_cast<void>(saved_); }
#endif

}  // namespace patchbay
