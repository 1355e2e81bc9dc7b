// A tour of modelwire.v1 in C++: models, a chat, a stream, a tool, embeddings, an error, a deadline and a cancel.

// [chat]
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>
#include <modelwire/service_config.h>
#include <modelwire/v1/chat_service.grpc.pb.h>
// [end]
#include <chrono>
#include <google/rpc/code.pb.h>
#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <modelwire/v1/embedding_service.grpc.pb.h>
#include <modelwire/v1/model_service.grpc.pb.h>
// [chat]

namespace v1 = modelwire::v1;

std::string Setting(const char* name, const std::string& otherwise) {
  const char* set = std::getenv(name);
  return set ? set : otherwise;
}

std::shared_ptr<grpc::Channel> Connect() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(64 << 20);  // gRPC's own limit is 4 MiB
  arguments.SetServiceConfigJSON(modelwire::kServiceConfig);
  const std::string address = Setting("MODELWIRE_GRPC_ADDRESS", "127.0.0.1:50051");
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

// A call's context, which carries the key and serves one call alone.
struct Call : grpc::ClientContext {
  Call() {
    const std::string key = Setting("MODELWIRE_API_KEY", "");
    if (!key.empty()) AddMetadata("authorization", "Bearer " + key);
  }
};

void Check(const grpc::Status& status) {
  if (status.ok()) return;
  std::cerr << status.error_message() << "\n";
  std::exit(1);
}

v1::CreateChatCompletionRequest Asking(const std::string& text) {
  v1::CreateChatCompletionRequest request;
  request.set_model("smollm2-135m-instruct");
  request.set_max_completion_tokens(24);
  request.set_temperature(0);
  v1::ChatMessage* message = request.add_messages();
  message->set_role(v1::ROLE_USER);
  message->set_text(text);
  return request;
}

std::string InOneLine(std::string text) {
  for (char& each : text) each = each == '\n' ? ' ' : each;
  return text;
}

v1::ChatChoice Answer(v1::ChatService::Stub& chat, const v1::CreateChatCompletionRequest& request) {
  Call call;
  v1::ChatCompletion completion;
  Check(chat.CreateChatCompletion(&call, request, &completion));
  return completion.choices(0);
}

void Complete(v1::ChatService::Stub& chat) {
  const v1::ChatChoice choice = Answer(chat, Asking("Say hello to me."));
  const std::string reason = v1::FinishReason_Name(choice.finish_reason());
  std::cout << "chat: " << InOneLine(choice.message().text()) << " (" << reason << ")\n";
}

// [end]

void ListModels(v1::ModelService::Stub& models) {
  std::string ids;
  v1::ListModelsRequest request;
  request.set_page_size(1);
  do {
    Call call;
    v1::ListModelsResponse page;
    Check(models.ListModels(&call, request, &page));
    for (const v1::Model& model : page.models()) ids += (ids.empty() ? "" : ", ") + model.id();
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  std::cout << "models: " << ids << "\n";
}

// The text of the first choice; the comment of ChatCompletionChunk tells how all fields are folded.
std::string TextOf(const v1::ChatCompletionChunk& chunk) {
  std::string text;
  for (const v1::ChatChoiceDelta& choice : chunk.choices()) {
    if (choice.index() == 0) text += choice.delta().text();
  }
  return text;
}

void Stream(v1::ChatService::Stub& chat) {
  Call call;
  auto chunks = chat.StreamChatCompletion(&call, Asking("Say hello to me."));
  std::string text;
  for (v1::ChatCompletionChunk chunk; chunks->Read(&chunk);) text += TextOf(chunk);
  Check(chunks->Finish());
  std::cout << "stream: " << InOneLine(text) << "\n";
}

void UseTool(v1::ChatService::Stub& chat) {
  v1::CreateChatCompletionRequest request = Asking("What is the weather in Paris?");
  v1::Function* weather = request.add_tools()->mutable_function();
  weather->set_name("get_weather");
  weather->set_description("Tells the weather of a city.");
  weather->set_parameters_json(
      R"({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]})");
  request.mutable_tool_choice()->set_function("get_weather");
  const v1::ChatMessage asked = Answer(chat, request).message();
  const v1::ToolCall& tool_call = asked.tool_calls(0);
  std::cout << "tool call: " << tool_call.function().name() << "(" << tool_call.function().arguments() << ")\n";

  *request.add_messages() = asked;
  v1::ChatMessage* result = request.add_messages();
  result->set_role(v1::ROLE_TOOL);
  result->set_tool_call_id(tool_call.id());
  result->set_text(R"({"celsius": 21})");
  request.clear_tool_choice();
  std::cout << "tool answer: " << InOneLine(Answer(chat, request).message().text()) << "\n";
}

void Embed(v1::EmbeddingService::Stub& embeddings) {
  Call call;
  v1::CreateEmbeddingsRequest request;
  request.set_model("all-minilm-l6-v2");
  request.add_inputs("Hello");
  request.add_inputs("Goodbye");
  v1::CreateEmbeddingsResponse made;
  Check(embeddings.CreateEmbeddings(&call, request, &made));
  std::cout << "embeddings: " << made.embeddings_size() << " vectors of " << made.embeddings(0).values_size()
            << " values\n";
}

std::string CodeOf(const grpc::Status& status) {
  return google::rpc::Code_Name(static_cast<google::rpc::Code>(status.error_code()));
}

// [error]
void ReadError(v1::ChatService::Stub& chat) {
  Call call;
  v1::CreateChatCompletionRequest request = Asking("Say hello to me.");
  request.set_temperature(3);
  v1::ChatCompletion completion;
  const grpc::Status status = chat.CreateChatCompletion(&call, request, &completion);
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  for (const auto& detail : details.details()) {
    google::rpc::BadRequest bad;
    if (!detail.UnpackTo(&bad)) continue;
    const auto& violation = bad.field_violations(0);
    std::cout << "error: " << CodeOf(status) << " " << violation.field() << ": " << violation.description() << "\n";
  }
}
// [end]

v1::CreateChatCompletionRequest Story() {
  v1::CreateChatCompletionRequest request = Asking("Tell me a long story.");
  request.clear_max_completion_tokens();
  return request;
}

void KeepDeadline(v1::ChatService::Stub& chat) {
  Call call;
  call.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  v1::ChatCompletion completion;
  std::cout << "deadline: " << CodeOf(chat.CreateChatCompletion(&call, Story(), &completion)) << "\n";
}

void CancelStream(v1::ChatService::Stub& chat) {
  Call call;
  auto chunks = chat.StreamChatCompletion(&call, Story());
  for (v1::ChatCompletionChunk chunk; chunks->Read(&chunk);) {
    if (!TextOf(chunk).empty()) call.TryCancel();
  }
  std::cout << "cancel: " << CodeOf(chunks->Finish()) << "\n";
}

// [chat]
int main() {
  const std::shared_ptr<grpc::Channel> channel = Connect();
  v1::ChatService::Stub chat(channel);
  // [end]
  v1::ModelService::Stub models(channel);
  v1::EmbeddingService::Stub embeddings(channel);
  ListModels(models);
  // [chat]
  Complete(chat);
  // [end]
  Stream(chat);
  UseTool(chat);
  Embed(embeddings);
  ReadError(chat);
  KeepDeadline(chat);
  CancelStream(chat);
  // [chat]
}
// [end]
