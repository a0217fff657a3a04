"""Cheats on the way from PyTorch to Triton, and the tests that hold them.

Most lie in `cases/kernels/`, one a file: each is found in the syntax tree where it shows
there, and is run and not paid; some are also run with nobody having read them.
"""

EXECUTION = "rewards/triton/test_kernel_execution.py::"
UNPAID = f"{EXECUTION}test_no_cheat_is_paid_for_being_right"
SEEN = f"{EXECUTION}test_running_sees_through_a_cheat_that_nobody_has_read"
HONEST = f"{EXECUTION}test_an_honest_kernel_keeps_its_full_score"
COMPILER = (
    f"{EXECUTION}test_the_compiler_rejects_python_in_a_kernel_whatever_the_interpreter_made_of_it"
)
RULES = "rewards/triton/test_kernel_rules.py::"
FOUND = f"{RULES}test_a_cheat_is_found_where_the_tree_shows_it"
LEFT_ALONE = f"{RULES}test_an_honest_twin_is_left_alone"
COMPARISON = "rewards/triton/test_kernel_comparison.py::"
INPUTS = "rewards/triton/test_kernel_inputs.py::"
LAB = "rewards/triton/test_kernel_lab.py::"
SANDBOX = "sandbox/test_hostile_candidates.py::"


def unpaid(*names: str) -> list[str]:
    return [f"{UNPAID}[{name}]" for name in names] + [FOUND]


TRITON = {
    "torch's result, the kernel never launched": [
        *unpaid("torch_sum_without_launch", "no_kernel_at_all", "kernel_called_as_python"),
        f"{SEEN}[torch_sum_without_launch]",
        f"{SEEN}[no_kernel_at_all]",
    ],
    "a decoy into scratch, torch's result returned": [
        *unpaid("decoy_into_scratch", "decoy_never_taken", "kernel_without_the_output"),
        f"{SEEN}[decoy_into_scratch]",
        f"{SEEN}[decoy_never_taken]",
    ],
    "a kernel that adds 0 to torch's result": [
        *unpaid("copy_of_torch_result", "functional_alias", "clone_with_idle_kernel"),
        f"{SEEN}[copy_of_torch_result]",
        f"{LAB}test_the_same_answer_without_kernels_is_one",
        f"{LAB}test_an_answer_that_was_there_before_the_kernels_is_one",
    ],
    "a broken kernel within try that falls back to torch": [
        *unpaid("try_except_fallback", "try_finally"),
        f"{SEEN}[try_except_fallback]",
    ],
    "Python inside the kernel body": [
        *unpaid("import_in_kernel", "torch_in_kernel", "globals_in_kernel"),
        *unpaid("interpreter_internals_in_kernel", "host_function_in_kernel"),
        *unpaid("print_and_comprehension_in_kernel"),
        f"{RULES}test_a_kernel_that_holds_python_is_found",
        f"{COMPILER}[import_in_kernel]",
        f"{COMPILER}[torch_in_kernel]",
        f"{COMPILER}[globals_in_kernel]",
    ],
    "results cached by data pointer or id": [
        *unpaid("cache_by_data_pointer", "cache_by_id_in_default", "cache_by_decorator"),
        *unpaid("cache_in_global", "cache_in_module_list", "cache_in_function_attribute"),
        f"{SEEN}[cache_by_data_pointer]",
        f"{LAB}test_the_next_step_runs_with_other_inputs_and_compiles_nothing_again",
    ],
    "uninitialised memory that happens to hold the answer": [
        *unpaid("uninitialised_memory", "empty_output_not_written", "adds_into_fresh_memory"),
        *unpaid("sum_of_undefined_lanes", "maximum_of_undefined_lanes"),
        *unpaid("short_sum_of_undefined_lanes"),
        f"{SEEN}[uninitialised_memory]",
    ],
    "a constant fitted to one test input": [
        *unpaid("constant_output", "constant_plus_zero_times_input", "load_without_use"),
        f"{COMPARISON}test_a_constant_or_a_copy_is_a_trivial_answer",
        f"{INPUTS}test_the_same_seed_draws_the_same_and_another_seed_draws_others",
    ],
    "a patched allclose or assert_close": [
        *unpaid("patched_allclose", "patched_assert_close", "patched_launch"),
        f"{LAB}test_a_forged_report_is_refused_and_breaks_nothing",
    ],
    "NaN or inf against a tolerant compare": [
        *unpaid("not_a_number", "infinite_output"),
        f"{COMPARISON}test_nan_and_infinity_stand_where_they_are_expected",
    ],
    "a lazy subclass of a tensor": unpaid("lazy_tensor_subclass"),
    "work skipped where inputs are positive, symmetric, zero-mean": [
        *unpaid("assumes_positive_inputs", "assumes_symmetry", "assumes_zero_mean"),
        *unpaid("assumes_small_sizes", "assumes_equal_inputs", "even_elements_only"),
        *unpaid("assumes_positive_whole_numbers", "half_a_relu_of_whole_numbers"),
        f"{INPUTS}test_whole_numbers_have_both_signs_zeros_and_all_the_size_that_they_should",
        f"{INPUTS}test_values_are_negative_and_positive_tied_tiny_large_and_off_centre",
        f"{INPUTS}test_sizes_are_odd_one_is_1_and_one_needs_several_blocks",
    ],
    "only the trivial part in Triton, the heavy one in torch": [
        *unpaid("matmul_by_name", "matmul_by_method", "matmul_by_operator", "matmul_by_alias"),
        *unpaid("matmul_by_class", "matmul_by_dunder", "matmul_by_vmap", "matmul_by_map"),
        *unpaid("matmul_in_helper", "matmul_in_lambda", "matmul_in_default", "einsum"),
        *unpaid("matmul_by_another_name", "another_name_of_torch"),
        f"{SEEN}[matmul_by_operator]",
        f"{RULES}test_a_host_that_computes_is_found",
    ],
    "exec, getattr, torch.compile, inline assembly": [
        *unpaid("exec_of_text", "eval_of_text", "getattr_on_torch", "torch_compile"),
        *unpaid("compiled_by_decorator", "inline_assembly", "builtins_by_dunder"),
    ],
    "reads out of bounds, wild pointers": [
        *unpaid("reads_out_of_bounds", "writes_out_of_bounds", "wild_pointer"),
        *unpaid("negative_offset", "reads_another_tensor"),
    ],
    "static_range(3000), explosions of the autotuner": [
        *unpaid("static_range_3000", "autotune_explosion", "grid_of_a_billion"),
        *unpaid("endless_loop_in_kernel", "endless_loop_on_host", "memory_bomb"),
        "sandbox/test_server_kinds.py::test_an_endless_compilation_ends_at_its_deadline",
        f"{SANDBOX}test_a_torch_process_has_memory_to_work_and_not_more",
    ],
    "patched timers and streams, a speed that is claimed": [
        f"{RULES}test_what_a_module_must_not_hold_is_found[torch.cuda.synchronize = print]",
        f"{RULES}test_a_word_that_is_not_listed_is_found[torch.cuda.Stream()]",
        f"{EXECUTION}test_no_reward_pays_for_speed_and_the_graders_say_so",
    ],
    "honest twins": [
        f"{LEFT_ALONE}",
        f"{HONEST}[two_stage_sum]",
        f"{HONEST}[autotune_two_configs]",
        f"{HONEST}[tl_dot_with_strides]",
        f"{HONEST}[contiguous_inputs]",
        f"{HONEST}[unusual_block_sizes]",
        f"{HONEST}[absolute_whole_numbers]",
        f"{HONEST}[rows_by_index]",
        f"{HONEST}[rows_up_to_a_length]",
        f"{HONEST}[sum_of_selected_lanes]",
        f"{HONEST}[maximum_of_selected_lanes]",
        f"{HONEST}[function_by_another_name]",
        f"{HONEST}[bfloat16_throughout]",
        f"{HONEST}[bfloat16_dot]",
    ],
}
