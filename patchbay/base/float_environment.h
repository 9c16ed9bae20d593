// The floating-point mode that every run computes in.
#pragma once

namespace patchbay {

/// While it lives, the calling thread computes with IEEE 754's defaults: round to nearest even,
/// denormals kept (no flush to zero). The former mode comes back at the end. A host program that
/// sets FTZ or DAZ (as -ffast-math start-up code does) would otherwise change results.
class FloatEnvironment {
 public:
  FloatEnvironment();
  ~FloatEnvironment();
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
  unsigned long long saved_;
};

}  // namespace patchbay
