#include "CodeObject.h"
#include "SampleSession.h"
#include "tenon/Runtime/CpuKernel.h"

#include <gtest/gtest.h>

#include <random>

#include <elf.h>

using namespace tenon;
using namespace tenon::runtime;
using namespace tenon::test;

namespace {
std::string codeOf(const std::vector<uint8_t> &image) {
  auto object = CodeObject::load(image);
  return object ? "ok" : object.status().error().code;
}
std::string messageOf(const std::string &name) {
  auto object = CodeObject::load(readFile(TENON_TEST_KERNELS "/" + name + ".so"));
  return object ? "ok" : object.status().error().code + " " + object.status().error().message;
}
} // namespace

TEST(CodeObject, RunsRelocatedCode) {
  auto object = CodeObject::load(testKernels());
  ASSERT_TRUE(object.ok()) << object.status().str();
  float y[3] = {};
  void *buffers[] = {y};
  auto kernel = reinterpret_cast<TenonCpuKernel>((*object)->find("from_table"));
  ASSERT_NE(kernel, nullptr);
  kernel(buffers, nullptr, 0, 3, nullptr);
  EXPECT_EQ(y[0], 1);
  EXPECT_EQ(y[1], 2);
  EXPECT_EQ(y[2], 1);
}

TEST(CodeObject, FindsExportedFunctionsOnly) {
  auto object = CodeObject::load(testKernels());
  ASSERT_TRUE(object.ok());
  EXPECT_NE((*object)->find("scale"), nullptr);
  EXPECT_EQ((*object)->find("memcpy"), nullptr);
  EXPECT_EQ((*object)->find("table"), nullptr);
  EXPECT_EQ((*object)->find(""), nullptr);
}

TEST(CodeObject, RefusesWhatIsNotAllowed) {
  EXPECT_EQ(messageOf("CONSTRUCTOR"), "TN6018 code object: constructors or destructors");
  EXPECT_EQ(messageOf("THREAD_LOCAL"), "TN6018 code object: thread-local storage");
  EXPECT_EQ(messageOf("FOREIGN_IMPORT"), "TN6018 code object: imports 'system'");
}

TEST(CodeObject, RefusesOtherFiles) {
  EXPECT_EQ(codeOf({}), "TN6017");
  EXPECT_EQ(codeOf(std::vector<uint8_t>(1000, 0x7f)), "TN6017");
  std::vector<uint8_t> image = testKernels();
  image[offsetof(Elf64_Ehdr, e_machine)] = 99;
  EXPECT_EQ(codeOf(image), "TN6017");
}

TEST(CodeObject, SurvivesTruncation) {
  const std::vector<uint8_t> image = testKernels();
  for (size_t size = 0; size < image.size(); size += 61)
    codeOf({image.begin(), image.begin() + long(size)}); // sections at the end are not needed: any code, no crash
}

TEST(CodeObject, SurvivesAnyDamage) {
  const std::vector<uint8_t> image = testKernels();
  std::mt19937 random(3);
  for (int i = 0; i < 4000; ++i) {
    std::vector<uint8_t> mutant = image;
    // Headers and tables: the first page, or anywhere.
    const size_t range = i % 2 ? std::min<size_t>(mutant.size(), 4096) : mutant.size();
    for (unsigned k = 0; k <= random() % 3; ++k)
      mutant[random() % range] = uint8_t(random());
    codeOf(mutant);
  }
}
