#include "patchbay/report/raster.h"

#include <cairo-pdf.h>
#include <cairo.h>
#include <fmt/format.h>
#include <librsvg/rsvg.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "patchbay/base/error.h"

namespace patchbay {
namespace {

struct Release {
  void operator()(RsvgHandle* handle) const { g_object_unref(handle); }
  void operator()(cairo_t* canvas) const { cairo_destroy(canvas); }
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
using Handle = std::unique_ptr<RsvgHandle, Release>;
using Canvas = std::unique_ptr<cairo_t, Release>;
using Surface = std::unique_ptr<cairo_surface_t, Release>;

[[noreturn]] void fail(std::string_view what, GError* error) {
  const std::string why = error == nullptr ? "" : fmt::format(": {}", error->message);
  g_clear_error(&error);
  throw Error(ErrorKind::kUsage, "picture",
              fmt::format("{}{}; give an SVG, such as svg_file writes", what, why));
}

Handle parse(std::string_view svg) {
  GError* error = nullptr;
  // librsvg only reads the bytes.
  const auto* bytes = reinterpret_cast<const guint8*>(svg.data());
  Handle handle(rsvg_handle_new_from_data(bytes, svg.size(), &error));
  if (!handle) fail("the drawing cannot be read", error);
  return handle;
}

struct Size {
  double width;
  double height;
};

Size size_of(RsvgHandle* handle) {
  Size size{};
  if (rsvg_handle_get_intrinsic_size_in_pixels(handle, &size.width, &size.height) == FALSE) {
    fail("the drawing has no size", nullptr);
  }
  return size;
}

cairo_status_t append(void* out, const unsigned char* bytes, unsigned count) {
  static_cast<std::string*>(out)->append(reinterpret_cast<const char*>(bytes), count);
  return CAIRO_STATUS_SUCCESS;
}

void render(RsvgHandle* handle, cairo_surface_t* surface, Size size, double scale) {
  const Canvas canvas(cairo_create(surface));
  cairo_scale(canvas.get(), scale, scale);
  const RsvgRectangle page = {0.0, 0.0, size.width, size.height};
  GError* error = nullptr;
  if (rsvg_handle_render_document(handle, canvas.get(), &page, &error) == FALSE) {
    fail("the drawing cannot be drawn", error);
  }
}

void check(cairo_surface_t* surface) {
  const cairo_status_t status = cairo_surface_status(surface);
  if (status == CAIRO_STATUS_SUCCESS) return;
  throw Error(ErrorKind::kInputOutput, "picture",
              fmt::format("{}; the picture is too large, show less of the result",
                          cairo_status_to_string(status)));
}

}  // namespace

std::string png_of(std::string_view svg, double scale) {
  const Handle handle = parse(svg);
  const Size size = size_of(handle.get());
  if (!(scale > 0.0)) {
    throw Error(ErrorKind::kUsage, "picture",
                fmt::format("{} pixels a unit show nothing; give a positive number", scale));
  }
  constexpr double kTooMany = 65'536.0;  // cairo refuses as many, and what is more
  const auto pixels = [&](double units) {
    return static_cast<int>(std::min(std::ceil(units * scale), kTooMany));
  };
  const Surface surface(
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, pixels(size.width), pixels(size.height)));
  check(surface.get());
  render(handle.get(), surface.get(), size, scale);
  std::string png;
  cairo_surface_write_to_png_stream(surface.get(), &append, &png);
  check(surface.get());
  return png;
}

std::string pdf_of(std::string_view svg) {
  constexpr double kPointsPerPixel = 0.75;
  const Handle handle = parse(svg);
  const Size size = size_of(handle.get());
  std::string pdf;
  {
    const Surface surface(cairo_pdf_surface_create_for_stream(
        &append, &pdf, size.width * kPointsPerPixel, size.height * kPointsPerPixel));
    // No time stamp: the same drawing gives the same bytes.
    cairo_pdf_surface_set_metadata(surface.get(), CAIRO_PDF_METADATA_CREATE_DATE,
                                   "1970-01-01T00:00:00Z");
    render(handle.get(), surface.get(), size, kPointsPerPixel);
    cairo_surface_finish(surface.get());
    check(surface.get());
  }
  return pdf;
}

}  // namespace patchbay
