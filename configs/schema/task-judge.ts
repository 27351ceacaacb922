/** `astune.task_judge`: what scores a finished episode. */

import { z } from "zod";
import { count, expectsProtocol, expectsUrl, httpUrl, key, protocolName, section } from "./key.ts";

export const taskJudgeSection = section(
  {
    judge_type: key(
      z.enum(["customized_protocol"]).default("customized_protocol"),
      "How the judge is named. `customized_protocal`, as upstream once spelled it, is the same.",
    ),
    judge_protocol: key(
      protocolName.default("astune.task_judge.env_service_as_judge->EnvServiceJudge"),
      "The judge. Built in: `astune.task_judge.math_answer_as_judge->MathAnswerAsJudge`, `astune.task_judge.math_answer_as_judge->MathAnswerAndLlmAsJudge`, `astune.task_judge.env_service_as_judge->EnvServiceJudge`; others are looked up as workflows are.",
      {
        expects: `a judge, ${expectsProtocol.replace("tutorial.example_math_agent.math_agent->ExampleMathLearn", "astune.task_judge.math_answer_as_judge->MathAnswerAsJudge")}`,
      },
    ),
    judge_options: key(
      z.record(z.string(), z.unknown()).default({}),
      "Options handed to the judge as they are; which there are is the judge's affair.",
    ),
    alien_llm_model: key(
      z.string().min(1).default("qwen3-235b-a22b-instruct-2507"),
      "Model that `MathAnswerAndLlmAsJudge` asks.",
    ),
    alien_llm_response_length: key(count.default(512), "Tokens of its answer.", { unit: "tokens" }),
    alien_llm_base_url: key(
      httpUrl.default("https://dashscope.aliyuncs.com/compatible-mode/v1"),
      "OpenAI-compatible address of that model.",
      { expects: expectsUrl },
    ),
    alien_llm_api_key_env: key(
      z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
        .default("DASHSCOPE_API_KEY"),
      "Name of the environment variable that holds the key. The key itself never stands in a file or a log.",
      { expects: "the name of an environment variable" },
    ),
    rubrics_auto_grader: section(
      {
        model_name: key(z.string().default("qwen-max"), "Model that grades."),
        grader_mode: key(z.enum(["pointwise", "listwise"]).default("pointwise"), "How it grades."),
        language: key(z.string().default("en"), "Language of the rubrics."),
        query_specific_generate_number: key(count.default(1), "Rubrics per query."),
        enable_categorization: key(z.boolean().default(false), "Whether rubrics are grouped."),
        categories_number: key(count.default(5), "Groups of rubrics."),
        grader_name: key(z.string().nullable().default(null), "Name of the grader."),
        query_field: key(z.string().default("main_query"), "Field of the query."),
        answer_field: key(z.string().default("final_answer"), "Field of the answer."),
        reference_field: key(z.string().default("answer"), "Field of the reference."),
        input_data_type: key(z.string().default("jsonl_dataset_file"), "Where the examples come from."),
        min_score: key(z.number().default(0), "Lowest score."),
        max_score: key(z.number().default(1), "Highest score."),
        dataset_file: key(z.looseObject({}).optional(), "The examples."),
      },
      "A judge that writes its own rubrics.",
      { noEffect: "no such judge is built in; name one with `judge_protocol`" },
    ),
  },
  "What scores a finished episode.",
);
