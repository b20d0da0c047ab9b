"""A C++ program, without Python, loads an export and draws samples.

It is linked with the libraries of the TensorFlow wheel and takes the path of
TF-Serving: LoadSavedModel, then Session::Run.
"""

import os
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from export import saved_model
from tests import servables

SOURCE = r"""
#include <iostream>
#include <string>
#include <vector>
#include "tensorflow/cc/saved_model/loader.h"
#include "tensorflow/core/framework/tensor.h"

int main(int argc, char** argv) {
  const int rows = 3;
  tensorflow::SavedModelBundle bundle;
  auto status = tensorflow::LoadSavedModel(
      tensorflow::SessionOptions(), tensorflow::RunOptions(), argv[1],
      {"serve"}, &bundle);
  if (!status.ok()) {
    std::cerr << status.ToString() << std::endl;
    return 1;
  }
  const auto& signature =
      bundle.meta_graph_def.signature_def().at("generate");
  tensorflow::Tensor seed(tensorflow::DT_INT32, {rows, 2});
  for (int i = 0; i < rows; ++i) {
    seed.matrix<int>()(i, 0) = 7;
    seed.matrix<int>()(i, 1) = i;
  }
  std::vector<tensorflow::Tensor> outputs;
  status = bundle.session->Run(
      {{signature.inputs().at("seed").name(), seed}},
      {signature.outputs().at("samples").name()}, {}, &outputs);
  if (!status.ok()) {
    std::cerr << status.ToString() << std::endl;
    return 1;
  }
  std::cout.precision(9);
  auto values = outputs[0].flat<float>();
  for (int i = 0; i < values.size(); ++i) std::cout << values(i) << "\n";
  return 0;
}
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_cpp_program_draws_the_same_samples(tmp_path):
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler: the export was not tried from C++")
    folder = os.path.dirname(tf.__file__)
    library = os.path.join(folder, "libtensorflow_cc.so.2")
    if not os.path.exists(library):
        pytest.skip("this TensorFlow wheel has no libtensorflow_cc.so.2")
    model = servables.TinyGenerator()
    version = saved_model.export_model(
        model, str(tmp_path / "tiny"), allowed_batch_sizes=(1,)
    )
    (tmp_path / "main.cc").write_text(SOURCE)
    program = tmp_path / "main"
    subprocess.run(
        [
            compiler,
            *tf.sysconfig.get_compile_flags(),
            "-w",
            str(tmp_path / "main.cc"),
            "-o",
            str(program),
            # Nothing is called in it by name; its Session registers itself.
            "-Wl,--no-as-needed",
            f"-L{folder}",
            "-l:libtensorflow_cc.so.2",
            "-l:libtensorflow_framework.so.2",
            f"-Wl,-rpath,{folder}",
        ],
        check=True,
    )
    run = subprocess.run(
        [str(program), version], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    found = np.array(run.stdout.split(), np.float32).reshape(3, 4, 4, 1)
    seed = tf.constant([[7, 0], [7, 1], [7, 2]], tf.int32)
    expected = model.serving_functions()["generate"].function(seed)["samples"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
