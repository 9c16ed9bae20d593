// What an Error says.
#pragma once

#include <string>

#include "patchbay/base/error.h"

namespace patchbay {

// The text of the Error that a call throws, or "no error".
template <class Body>
std::string error_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace patchbay
