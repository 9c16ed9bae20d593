// The functions in a table of tasks, metrics or figures, out of reach of a call without checks.
#pragma once

namespace patchbay {

/// A pointer to a function that trusts its arguments: Owner alone can call it, once it has checked
/// them. Anybody can make one, so that a table's entry names its function with `.field =
/// &function`.
template <class Owner, class Function>
class GuardedFunction {
 public:
  constexpr GuardedFunction() = default;
  constexpr GuardedFunction(Function* function)
      : function_(function) {}  // NOLINT: implicit, as in a table
  constexpr explicit operator bool() const { return function_ != nullptr; }

 private:
  friend Owner;
  Function* function_ = nullptr;
};

}  // namespace patchbay
