# What modelwire.v1 offers, call by call. README.md in clients/ruby tells what to install; then: ruby tour.rb

# [chat]
require "modelwire/client"
# [end]
require "google/protobuf/well_known_types"
require "google/rpc/code_pb"
require "google/rpc/error_details_pb"

# [chat]
ADDRESS = ENV.fetch("MODELWIRE_GRPC_ADDRESS", "127.0.0.1:50051")
KEY = ENV["MODELWIRE_API_KEY"]
METADATA = KEY ? { "authorization" => "Bearer #{KEY}" } : {}
CHANNEL_ARGS = {
  "grpc.max_receive_message_length" => 64 * 1024 * 1024, # gRPC's own limit is 4 MiB
  "grpc.service_config" => Modelwire::Client::SERVICE_CONFIG
}
CHAT = Modelwire::V1::ChatService::Stub.new(ADDRESS, :this_channel_is_insecure, channel_args: CHANNEL_ARGS)
# [end]
EMBEDDINGS = Modelwire::V1::EmbeddingService::Stub.new(ADDRESS, :this_channel_is_insecure, channel_args: CHANNEL_ARGS)
MODELS = Modelwire::V1::ModelService::Stub.new(ADDRESS, :this_channel_is_insecure, channel_args: CHANNEL_ARGS)

WEATHER = Modelwire::V1::Function.new(
  name: "get_weather",
  description: "Tells the weather of a city.",
  parameters_json: '{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}'
)
TOOLS = [Modelwire::V1::Tool.new(function: WEATHER)]

def user(text)
  Modelwire::V1::ChatMessage.new(role: :ROLE_USER, text: text)
end

def asking(*messages, **fields)
  fields = { model: "smollm2-135m-instruct", max_completion_tokens: 24, temperature: 0, **fields }
  Modelwire::V1::CreateChatCompletionRequest.new(messages: messages, **fields)
end

def story
  asking(user("Tell me a long story."), max_completion_tokens: nil)
end

def list_models
  ids = []
  request = Modelwire::V1::ListModelsRequest.new(page_size: 1)
  loop do
    page = MODELS.list_models(request, metadata: METADATA)
    ids.concat(page.models.map(&:id))
    break if page.next_page_token.empty?

    request.page_token = page.next_page_token
  end
  puts "models: #{ids.join(", ")}"
end

def complete
  # [chat]
  request = Modelwire::V1::CreateChatCompletionRequest.new(
    model: "smollm2-135m-instruct",
    messages: [Modelwire::V1::ChatMessage.new(role: :ROLE_USER, text: "Say hello to me.")],
    max_completion_tokens: 24,
    temperature: 0
  )
  completion = CHAT.create_chat_completion(request, metadata: METADATA)
  choice = completion.choices.first
  puts "chat: #{choice.message.text.tr("\n", " ")} (#{choice.finish_reason})"
  # [end]
end

# Folds the text of the first choice; the comment of ChatCompletionChunk has the rule for all fields.
def stream
  text = +""
  CHAT.stream_chat_completion(asking(user("Say hello to me.")), metadata: METADATA).each do |chunk|
    chunk.choices.each { |choice| text << choice.delta.text if choice.index.zero? }
  end
  puts "stream: #{text.tr("\n", " ")}"
end

# Returns the conversation so far.
def call_tool
  question = user("What is the weather in Paris?")
  request = asking(question, tools: TOOLS, tool_choice: Modelwire::V1::ToolChoice.new(function: "get_weather"))
  message = CHAT.create_chat_completion(request, metadata: METADATA).choices.first.message
  call = message.tool_calls.first.function
  puts "tool call: #{call.name}(#{call.arguments})"
  [question, message]
end

def answer_tool(conversation)
  id = conversation.last.tool_calls.first.id
  result = Modelwire::V1::ChatMessage.new(role: :ROLE_TOOL, tool_call_id: id, text: '{"celsius": 21}')
  completion = CHAT.create_chat_completion(asking(*conversation, result, tools: TOOLS), metadata: METADATA)
  puts "tool answer: #{completion.choices.first.message.text.tr("\n", " ")}"
end

def embed
  request = Modelwire::V1::CreateEmbeddingsRequest.new(model: "all-minilm-l6-v2", inputs: %w[Hello Goodbye])
  vectors = EMBEDDINGS.create_embeddings(request, metadata: METADATA).embeddings.map(&:values)
  puts "embeddings: #{vectors.size} vectors of #{vectors.first.size} values"
end

# [error]
def read_error
  CHAT.create_chat_completion(asking(user("Say hello to me."), temperature: 3), metadata: METADATA)
rescue GRPC::BadStatus => e
  bad = e.to_rpc_status.details.find { |detail| detail.is(Google::Rpc::BadRequest) }
  violation = bad.unpack(Google::Rpc::BadRequest).field_violations.first
  puts "error: #{Google::Rpc::Code.lookup(e.code)} #{violation.field}: #{violation.description}"
end
# [end]

def keep_deadline
  CHAT.create_chat_completion(story, metadata: METADATA, deadline: Time.now + 0.05)
rescue GRPC::BadStatus => e
  puts "deadline: #{Google::Rpc::Code.lookup(e.code)}"
end

def cancel_stream
  call = CHAT.stream_chat_completion(story, metadata: METADATA, return_op: true)
  call.execute.each { |chunk| call.cancel if chunk.choices.any? { |choice| !choice.delta.text.empty? } }
rescue GRPC::BadStatus => e
  puts "cancel: #{Google::Rpc::Code.lookup(e.code)}"
end

list_models
complete
stream
answer_tool(call_tool)
embed
read_error
keep_deadline
cancel_stream
