"""Attacks on the sandbox itself, and the tests that hold them."""

ESCAPES = "sandbox/test_escapes.py::"
HOSTILE = "sandbox/test_hostile_candidates.py::"
EXECUTOR = "sandbox/test_reward_door.py::"
POOL = "sandbox/test_pool_faults.py::"
LAYERS = "sandbox/test_layers.py::"
FRAMES = "sandbox/test_frames_by_hand.py::"
ENDINGS = "sandbox/test_endings.py::"
HARMED = f"{ESCAPES}test_the_server_cannot_be_harmed_or_read"
DENIED = f"{ESCAPES}test_dangerous_system_calls_are_refused"
STARTED = f"{ESCAPES}test_no_process_can_be_started"
FILES = f"{ESCAPES}test_files_of_the_project_are_out_of_reach"
ENDING = f"{EXECUTOR}test_every_ending_has_its_name"
DISK = f"{HOSTILE}test_a_disk_bomb_ends_itself_and_is_cleared_away"

SANDBOX = {
    "reading /etc/passwd, keys, the project's databases": [
        f"{ESCAPES}test_system_files_are_out_of_reach[/etc/passwd]",
        f"{ESCAPES}test_files_of_the_project_are_out_of_reach",
        f"{ESCAPES}test_the_project_and_its_runs_are_invisible",
        f"{ESCAPES}test_folders_where_people_keep_projects_are_out_of_reach",
        f"{ESCAPES}test_a_project_within_pythons_own_folder_is_out_of_reach",
    ],
    "every socket family": [
        f"{ESCAPES}test_there_are_no_sockets_of_any_family",
        f"{ESCAPES}test_a_listening_server_of_this_machine_is_out_of_reach",
    ],
    "fork bombs": [f"{STARTED}[while True: os.fork()]", f"{DENIED}[unshare]"],
    "killing the parent": [
        f"{HARMED}[got = os.kill(os.getppid(), signal.SIGKILL)]",
        f"{HARMED}[got = os.kill(-1, signal.SIGKILL)]",
        f"{HARMED}[got = signal.pidfd_send_signal(os.pidfd_open(os.getppid()), signal.SIGKILL)]",
    ],
    "ptrace and /proc of the parent": [
        f"{DENIED}[ptrace]",
        f"{DENIED}[process_vm_readv]",
        f"{HARMED}[got = open(f'/proc/{{os.getppid()}}/mem', 'rb')]",
        f"{HOSTILE}test_each_process_finds_itself_in_proc_and_nobody_else",
    ],
    "bombs of memory, descriptors, threads, disk": [
        f"{ESCAPES}test_bombs_of_memory_and_descriptors_harm_only_themselves",
        f"{ESCAPES}test_a_bomb_of_threads_ends_with_its_deadline",
        f"{HOSTILE}test_a_bomb_of_threads_does_not_take_its_neighbours_threads",
        f"{DISK}[large]",
        f"{DISK}[many]",
        f"{DISK}[deep]",
        f"{HOSTILE}test_no_space_is_taken_beyond_the_end_of_a_file",
    ],
    "floods of output": [
        f"{ENDING}[while True: print('x' * 1000000)]",
        f"{HOSTILE}test_an_answer_made_to_burst_its_reader_is_no_answer",
        f"{FRAMES}test_one_that_drips_or_floods_delays_only_itself",
    ],
    "daemons that outlive the run": [
        f"{DENIED}[setsid]",
        f"{HOSTILE}test_what_runs_on_after_the_answer_has_no_effect",
        "sandbox/test_servers.py::test_nothing_outlives_a_killed_parent",
        f"{ENDINGS}test_what_a_fork_server_spawned_ends_with_it",
        f"{ENDINGS}test_a_fork_of_a_killed_parent_that_holds_every_descriptor_keeps_no_server_alive",
    ],
    "secrets in the environment": [
        f"{ESCAPES}test_nothing_of_the_parent_is_in_memory_or_environment",
        f"{ESCAPES}test_no_memory_is_shared_with_the_server_or_a_neighbour",
        f"{EXECUTOR}test_the_environment_holds_no_secrets_of_the_parent",
    ],
    "links and .. out of scratch": [
        f"{FILES}[os.symlink(PATH, 'soft'); got = open('soft').read()]",
        f"{FILES}[os.link(PATH, 'hard'); got = open('hard').read()]",
        f"{FILES}[got = open('../' * 20 + PATH).read()]",
        f"{HOSTILE}test_unreadable_folders_and_links_are_removed_and_not_followed",
        f"{HOSTILE}test_a_folder_that_has_become_a_link_is_not_entered",
    ],
    "set-uid programs and capabilities": [
        f"{HOSTILE}test_set_user_id_programs_cannot_be_made_or_run",
        f"{ESCAPES}test_no_capability_is_left_to_use",
    ],
    "stopping oneself": [f"{ENDING}[os.kill(os.getpid(), 19)]"],
    "sources with NULs, lone surrogates, a line of a megabyte": [
        f"{HOSTILE}test_odd_sources_end_only_themselves",
        f"{EXECUTOR}test_sources_with_what_files_rarely_hold_are_only_errors",
    ],
    "inherited descriptors": [
        f"{ESCAPES}test_no_descriptor_leads_out",
        f"{EXECUTOR}test_no_descriptor_of_the_parent_is_inherited",
    ],
    "the fork server killed mid-batch": [
        f"{POOL}test_a_server_killed_in_the_middle_costs_no_job_and_none_is_scored_twice",
        f"{POOL}test_a_job_that_kills_every_server_is_given_up_and_the_others_are_done",
        f"{POOL}test_after_three_dead_servers_in_a_row_the_batch_is_given_up",
        "training/test_pausing.py::"
        "test_more_than_one_in_a_hundred_failures_or_three_dead_servers_in_a_row_pause",
    ],
    "jumps of the clock": [f"{HOSTILE}test_a_jump_of_the_wall_clock_moves_no_deadline"],
    "halves, drops and forgeries of frames": [
        f"{FRAMES}test_what_is_no_whole_frame_is_no_answer",
        f"{FRAMES}test_a_frame_that_drips_has_until_the_deadline_and_no_longer",
        f"{HOSTILE}test_a_forged_answer_is_scored_as_none",
    ],
    "a layer that is missing or without effect": [
        f"{LAYERS}test_a_bubblewrap_that_has_no_effect_is_found_out",
        f"{LAYERS}test_a_layer_that_the_kernel_lacks_lowers_the_tier_or_refuses",
        f"{LAYERS}test_a_tier_needs_all_its_layers",
        f"{POOL}test_without_a_jail_every_job_is_refused_and_none_is_run",
    ],
    "a layer switched off": [
        f"{LAYERS}test_an_inner_layer_alone_stops_it_and_nothing_does_without",
        f"{LAYERS}test_bubblewrap_alone_stops_it",
        f"{LAYERS}test_nothing_stops_it_without_bubblewrap",
    ],
}
