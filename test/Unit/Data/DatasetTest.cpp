//===- DatasetTest.cpp ----------------------------------------------------===//
//
// How arrays of files become batches for the inputs of a model.
//
//===----------------------------------------------------------------------===//
#include "tenon/Data/Dataset.h"

#include "tenon/Data/Npy.h"
#include "tenon/Data/Zip.h"
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

using namespace tenon;
using namespace tenon::data;
using runtime::Tensor;
using runtime::TensorInfo;

namespace {

class DatasetTest : public ::testing::Test {
protected:
  DatasetTest() {
    std::string pattern = ::testing::TempDir() + "tenon-data-XXXXXX";
    folder = mkdtemp(pattern.data());
  }
  ~DatasetTest() override { std::filesystem::remove_all(folder); }

  /// 0, 1, 2, .. as float32.
  static Tensor count(std::vector<int64_t> dims) {
    auto tensor = *Tensor::allocate(ElementType::F32, std::move(dims));
    std::iota(tensor.as<float>(), tensor.as<float>() + tensor.elements(), 0.0f);
    return tensor;
  }

  void writeNpz(const std::string &name, const std::vector<runtime::NamedTensor> &arrays) {
    auto created = ZipWriter::create(folder + "/" + name);
    ASSERT_TRUE(created.ok());
    ZipWriter *zip = created->get();
    for (const runtime::NamedTensor &array : arrays) {
      const std::string header = makeNpyHeader(array.tensor.type, array.tensor.dims);
      ASSERT_TRUE(zip->begin(array.name + ".npy", header.size() + uint64_t(array.tensor.bytes())).ok());
      ASSERT_TRUE(zip->write(header.data(), header.size()).ok());
      ASSERT_TRUE(zip->write(array.tensor.data.get(), uint64_t(array.tensor.bytes())).ok());
    }
    ASSERT_TRUE(zip->finish().ok());
  }

  /// All batches, or the code of the error.
  std::vector<Batch> readAll(const std::string &name, std::vector<TensorInfo> inputs, DatasetOptions options = {}) {
    std::vector<Batch> batches;
    error.clear();
    auto dataset = openDataset(folder + name, std::move(inputs), options);
    if (!dataset) {
      error = dataset.status().error().code;
      return {};
    }
    while (true) {
      auto batch = (*dataset)->next();
      if (!batch) {
        error = batch.status().error().code;
        return {};
      }
      if (!*batch)
        return batches;
      batches.push_back(std::move(**batch));
    }
  }

  std::string folder, error;
  const TensorInfo sampled{"x", ElementType::F32, {-1, 3}, {"N", ""}};
  const TensorInfo fixed{"x", ElementType::F32, {2, 3}, {"", ""}};
};

} // namespace

TEST_F(DatasetTest, a_sampled_input_is_cut_into_batches) {
  writeNpz("a.npz", {{"x", count({10, 3})}, {"label", count({10})}, {"names", count({4})}});
  auto batches = readAll("/a.npz", {sampled}, {.batch = 4});
  ASSERT_EQ(batches.size(), 3u) << error;
  EXPECT_EQ(batches[1].inputs[0].tensor.dims, (std::vector<int64_t>{4, 3}));
  EXPECT_EQ(batches[1].inputs[0].tensor.as<float>()[0], 12);
  EXPECT_EQ(batches[2].samples, 2);
  ASSERT_EQ(batches[2].targets.size(), 2u);
  EXPECT_EQ(batches[2].targets[0].name, "label");
  EXPECT_EQ(batches[2].targets[0].tensor.dims, std::vector<int64_t>{2}) << "labels go with their samples";
  EXPECT_EQ(batches[2].targets[1].tensor.dims, std::vector<int64_t>{4}) << "what counts no samples stays whole";
}

TEST_F(DatasetTest, a_further_leading_axis_is_run_one_by_one) {
  writeNpz("a.npz", {{"x", count({5, 2, 3})}});
  auto batches = readAll("/a.npz", {fixed});
  ASSERT_EQ(batches.size(), 5u) << error;
  EXPECT_EQ(batches[4].inputs[0].tensor.dims, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(batches[4].inputs[0].tensor.as<float>()[0], 24);
}

TEST_F(DatasetTest, an_array_of_a_fixed_input_is_one_sample) {
  writeNpz("a.npz", {{"x", count({2, 3})}});
  auto batches = readAll("/a.npz", {fixed});
  ASSERT_EQ(batches.size(), 1u) << error;
  EXPECT_EQ(batches[0].samples, 1);
}

TEST_F(DatasetTest, an_input_of_another_symbol_goes_with_every_batch) {
  writeNpz("a.npz", {{"x", count({4, 3})}, {"positions", count({7})}});
  const TensorInfo positions{"positions", ElementType::F32, {-1}, {"L"}};
  auto batches = readAll("/a.npz", {sampled, positions}, {.batch = 3});
  ASSERT_EQ(batches.size(), 2u) << error;
  EXPECT_EQ(batches[1].inputs[1].tensor.dims, std::vector<int64_t>{7});
}

TEST_F(DatasetTest, files_of_a_folder_follow_by_name_and_batches_do_not_span_them) {
  writeNpz("b.npz", {{"x", count({1, 3})}});
  writeNpz("a.npz", {{"x", count({3, 3})}});
  auto batches = readAll("", {sampled}, {.batch = 2});
  ASSERT_EQ(batches.size(), 3u) << error;
  EXPECT_EQ(batches[0].samples, 2);
  EXPECT_EQ(batches[1].samples, 1);
}

TEST_F(DatasetTest, a_limit_counts_samples) {
  writeNpz("a.npz", {{"x", count({10, 3})}});
  auto batches = readAll("/a.npz", {sampled}, {.batch = 4, .limit = 6});
  ASSERT_EQ(batches.size(), 2u) << error;
  EXPECT_EQ(batches[1].samples, 2);
}

TEST_F(DatasetTest, npy_files_are_for_a_single_input) {
  ASSERT_TRUE(writeNpy(folder + "/0.npy", count({2, 3})).ok());
  ASSERT_TRUE(writeNpy(folder + "/1.npy", count({2, 3})).ok());
  EXPECT_EQ(readAll("", {fixed}).size(), 2u) << error;
  EXPECT_EQ(readAll("/1.npy", {sampled}, {.batch = 1}).size(), 2u) << error;
  EXPECT_TRUE(readAll("/1.npy", {sampled, fixed}).empty());
  EXPECT_EQ(error, "TN9053");
}

TEST_F(DatasetTest, what_does_not_fit_is_refused) {
  writeNpz("a.npz", {{"x", count({4, 3})}, {"y", count({3, 3})}});
  const TensorInfo y{"y", ElementType::F32, {-1, 3}, {"N", ""}}, missing{"z", ElementType::F32, {3}, {""}};
  const TensorInfo bytes{"x", ElementType::U8, {-1, 3}, {"N", ""}}, wide{"x", ElementType::F32, {-1, 5}, {"N", ""}};
  const TensorInfo deep{"x", ElementType::F32, {1, 1, 4, 3}, {"", "", "", ""}};
  const std::vector<std::vector<TensorInfo>> wrong = {{sampled, y}, {missing}, {bytes}, {wide}, {deep}};
  for (const auto &inputs : wrong) {
    EXPECT_TRUE(readAll("/a.npz", inputs).empty());
    EXPECT_EQ(error, "TN9053") << inputs[0].name;
  }
}

TEST_F(DatasetTest, batches_can_be_limited_on_the_way) {
  writeNpz("a.npz", {{"x", count({10, 3})}});
  auto dataset = openDataset(folder + "/a.npz", {sampled}, {.batch = 4});
  ASSERT_TRUE(dataset.ok());
  std::vector<int64_t> sizes;
  for (int64_t limit : {1, 3, 100, 0}) {
    (*dataset)->limitBatch(limit);
    auto batch = (*dataset)->next();
    ASSERT_TRUE(batch.ok() && *batch);
    sizes.push_back((*batch)->samples);
  }
  EXPECT_EQ(sizes, (std::vector<int64_t>{1, 3, 4, 2}));
}
