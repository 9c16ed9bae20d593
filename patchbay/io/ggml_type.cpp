// The sizes are those of the structs in ggml's ggml-common.h.
#include "patchbay/io/ggml_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

constexpr std::array<GgmlTypeInfo, 16> kTypes = {{
    {GgmlType::kF32, "F32", 1, 4},
    {GgmlType::kF16, "F16", 1, 2},
    {GgmlType::kQ4_0, "Q4_0", 32, 18},
    {GgmlType::kQ4_1, "Q4_1", 32, 20},
    {GgmlType::kQ5_0, "Q5_0", 32, 22},
    {GgmlType::kQ5_1, "Q5_1", 32, 24},
    {GgmlType::kQ8_0, "Q8_0", 32, 34},
    {GgmlType::kQ4_K, "Q4_K", 256, 144},
    {GgmlType::kQ5_K, "Q5_K", 256, 176},
    {GgmlType::kQ6_K, "Q6_K", 256, 210},
    {GgmlType::kI8, "I8", 1, 1},
    {GgmlType::kI16, "I16", 1, 2},
    {GgmlType::kI32, "I32", 1, 4},
    {GgmlType::kI64, "I64", 1, 8},
    {GgmlType::kF64, "F64", 1, 8},
    {GgmlType::kBF16, "BF16", 1, 2},
}};

struct OtherType {
  std::uint32_t number;
  std::string_view name;
};

// Types that ggml has and patchbay does not read: messages name them.
constexpr std::array<OtherType, 18> kOtherTypes = {{
    {9, "Q8_1"},
    {10, "Q2_K"},
    {11, "Q3_K"},
    {15, "Q8_K"},
    {16, "IQ2_XXS"},
    {17, "IQ2_XS"},
    {18, "IQ3_XXS"},
    {19, "IQ1_S"},
    {20, "IQ4_NL"},
    {21, "IQ3_S"},
    {22, "IQ2_S"},
    {23, "IQ4_XS"},
    {29, "IQ1_M"},
    {34, "TQ1_0"},
    {35, "TQ2_0"},
    {39, "MXFP4"},
    {40, "NVFP4"},
    {41, "Q1_0"},
}};

}  // namespace

const GgmlTypeInfo* find_ggml_type(std::uint32_t number) {
  const auto found = std::ranges::find(kTypes, static_cast<GgmlType>(number), &GgmlTypeInfo::type);
  return found == kTypes.end() ? nullptr : &*found;
}

const GgmlTypeInfo& ggml_type_info(GgmlType type) {
  const GgmlTypeInfo* info = find_ggml_type(static_cast<std::uint32_t>(type));
  if (info == nullptr) {
    throw Error(ErrorKind::kUsage, "gguf",
                fmt::format("there is no type {}; take one of GgmlType's",
                            static_cast<std::uint32_t>(type)));
  }
  return *info;
}

std::string ggml_type_label(std::uint32_t number) {
  if (const GgmlTypeInfo* info = find_ggml_type(number)) {
    return fmt::format("{} ({})", info->name, number);
  }
  const auto other = std::ranges::find(kOtherTypes, number, &OtherType::number);
  return other == kOtherTypes.end() ? fmt::format("{}", number)
                                    : fmt::format("{} ({})", other->name, number);
}

}  // namespace patchbay
