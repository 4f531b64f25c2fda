//===- ImageTest.cpp ------------------------------------------------------===//
//
// Pictures as values of an input; PNG and JPEG from bytes that are written here.
//
//===----------------------------------------------------------------------===//
#include "tenon/Data/Image.h"

#include "tenon/Data/Dataset.h"
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

using namespace tenon;
using namespace tenon::data;

namespace {

class ImageTest : public ::testing::Test {
protected:
  ImageTest() {
    std::string pattern = ::testing::TempDir() + "tenon-image-XXXXXX";
    folder = mkdtemp(pattern.data());
  }
  ~ImageTest() override { std::filesystem::remove_all(folder); }
  std::string write(const std::string &name, const std::string &bytes) {
    std::ofstream(folder + "/" + name, std::ios::binary) << bytes;
    return folder + "/" + name;
  }
  std::string folder;
};

/// 2 x 2 pixels: red, green, blue, white.
const std::string ppm =
    std::string("P6\n2 2\n255\n") + "\xff" + std::string(3, '\0') + "\xff" + std::string(3, '\0') + "\xff\xff\xff\xff";
/// 2 x 1 pixels of grey, 7 and 200, not compressed.
const std::string png("\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x02\x00\x00\x00\x01"
                      "\x08\x00\x00\x00\x00\xd1\x49\x20\x56\x00\x00\x00\x0e\x49\x44\x41\x54\x78\x01\x01\x03\x00\xfc\xff"
                      "\x00\x07\xc8\x00\xd9\x00\xd0\x1f\xad\x24\xf8\x00\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82",
                      71);
/// 8 x 8 pixels of grey, from dark to light; the last four bytes are the end of the values and of the file.
const std::string
    jpeg("\xff\xd8\xff\xe0\x00\x10\x4a\x46\x49\x46\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xdb\x00\x43\x00\x1b"
         "\x12\x14\x17\x14\x11\x1b\x17\x16\x17\x1e\x1c\x1b\x20\x28\x42\x2b\x28\x25\x25\x28\x51\x3a\x3d\x30\x42\x60"
         "\x55\x65\x64\x5f\x55\x5d\x5b\x6a\x78\x99\x81\x6a\x71\x90\x73\x5b\x5d\x85\xb5\x86\x90\x9e\xa3\xab\xad\xab"
         "\x67\x80\xbc\xc9\xba\xa6\xc7\x99\xa8\xab\xa4\xff\xc0\x00\x0b\x08\x00\x08\x00\x08\x01\x01\x11\x00\xff\xc4"
         "\x00\x14\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\xff\xc4\x00\x17\x10\x00"
         "\x03\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x05\x62\xff\xda\x00\x08\x01\x01\x00"
         "\x00\x3f\x00\x2a\x49\xc9\xff\xd9",
         164);

} // namespace

TEST_F(ImageTest, reads_ppm_as_colour_or_grey) {
  auto image = readImage(write("a.ppm", ppm));
  ASSERT_TRUE(image.ok()) << image.status().str();
  EXPECT_EQ(image->channels, 3);
  EXPECT_EQ(image->pixels, (std::vector<uint8_t>{255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255}));
  auto grey = readImage(folder + "/a.ppm", 1);
  ASSERT_TRUE(grey.ok());
  EXPECT_EQ(grey->pixels, (std::vector<uint8_t>{76, 150, 29, 255}));
}

TEST_F(ImageTest, damaged_files_end_in_codes) {
  for (const std::string &bytes : {std::string("P6\n2 2\n255\n\1\2"), std::string("P6\n99999999 99999999\n255\n"),
                                   std::string("P6\n2 2\n65535\n"), std::string("hello, world"), std::string()}) {
    auto image = readImage(write("bad.ppm", bytes));
    ASSERT_FALSE(image.ok());
    EXPECT_EQ(image.status().error().code, "TN9054");
  }
  for (const char *signature : {"\x89PNG\r\n\x1a\n", "\xff\xd8\xff\xe0"}) {
    auto image = readImage(write("bad.png", std::string(signature) + std::string(100, 'x')));
    ASSERT_FALSE(image.ok());
    EXPECT_TRUE(image.status().error().code == "TN9054" || image.status().error().code == "TN9055");
  }
}

TEST_F(ImageTest, resizing_interpolates_between_centres) {
  const Image image{1, 2, 1, {0, 100}};
  EXPECT_EQ(resizeImage(image, 1, 4), (std::vector<float>{0, 25, 75, 100}));
  EXPECT_EQ(resizeImage(image, 2, 1), (std::vector<float>{50, 50}));
  EXPECT_EQ(resizeImage(image, 1, 2), (std::vector<float>{0, 100}));
}

TEST_F(ImageTest, fills_inputs_of_either_layout) {
  write("a.ppm", ppm);
  write("b.ppm", ppm);
  const runtime::TensorInfo planes{"x", ElementType::F32, {-1, 3, 2, 2}, {"N", "", "", ""}};
  DatasetOptions options;
  options.images.mean = {0.5, 0, 0};
  options.images.deviation = {0.5, 1, 1};
  auto batch = (*openDataset(folder, {planes}, options))->next();
  ASSERT_TRUE(batch.ok()) << batch.status().str();
  const runtime::Tensor &x = (*batch)->inputs[0].tensor;
  EXPECT_EQ(x.dims, (std::vector<int64_t>{2, 3, 2, 2}));
  EXPECT_EQ(std::vector<float>(x.as<float>(), x.as<float>() + 8), (std::vector<float>{1, -1, -1, 1, 0, 1, 0, 1}));
  const runtime::TensorInfo pixels{"x", ElementType::U8, {-1, -1, 3}, {"H", "W", ""}};
  auto dataset = openDataset(folder, {pixels});
  batch = (*dataset)->next();
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ((*batch)->inputs[0].tensor.dims, (std::vector<int64_t>{2, 2, 3}));
  EXPECT_EQ((*batch)->inputs[0].tensor.as<uint8_t>()[4], 255);
  const runtime::TensorInfo flat{"x", ElementType::F32, {-1, 12}, {"N", ""}};
  auto refused = (*openDataset(folder, {flat}))->next();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().error().code, "TN9053");
}

TEST_F(ImageTest, refuses_jpeg_that_is_cut_off) {
  auto image = readImage(write("a.jpg", jpeg));
  if (!image.ok() && image.status().error().code == "TN9055")
    GTEST_SKIP() << "no libjpeg";
  ASSERT_TRUE(image.ok()) << image.status().str();
  EXPECT_EQ(image->pixels.size(), 64u);
  EXPECT_LT(image->pixels.front(), image->pixels.back());
  image = readImage(write("cut.jpg", jpeg.substr(0, jpeg.size() - 4)));
  ASSERT_FALSE(image.ok());
  EXPECT_EQ(image.status().error().code, "TN9054");
  EXPECT_NE(image.status().error().message.find("Premature end"), std::string::npos) << image.status().str();
}

TEST_F(ImageTest, reads_png) {
  auto image = readImage(write("a.png", png));
  if (!image.ok() && image.status().error().code == "TN9055")
    GTEST_SKIP() << "no libpng";
  ASSERT_TRUE(image.ok()) << image.status().str();
  EXPECT_EQ(image->channels, 1);
  EXPECT_EQ(image->pixels, (std::vector<uint8_t>{7, 200}));
}
