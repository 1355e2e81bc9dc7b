// What modelwire.v1 offers, call by call. README.md in clients/java tells how to run it.

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
// [chat]
import dev.modelwire.client.ServiceConfig;
import dev.modelwire.v1.*;
import io.grpc.*;
// [end]
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;

public class Tour {
  static final Tool WEATHER = Tool.newBuilder()
      .setFunction(Function.newBuilder()
          .setName("get_weather")
          .setDescription("Tells the weather of a city.")
          .setParametersJson(
              "{\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}}, \"required\": [\"city\"]}"))
      .build();

  public static void main(String[] arguments) throws InvalidProtocolBufferException {
    System.setOut(new PrintStream(System.out, true, StandardCharsets.UTF_8));
    // [chat]
    String address = System.getenv().getOrDefault("MODELWIRE_GRPC_ADDRESS", "127.0.0.1:50051");
    ManagedChannel channel = ManagedChannelBuilder.forTarget(address)
        .usePlaintext()
        .maxInboundMessageSize(64 * 1024 * 1024) // gRPC's own limit is 4 MiB
        .defaultServiceConfig(ServiceConfig.load())
        .build();
    // [end]
    try {
      tour(ClientInterceptors.intercept(channel, withKey(System.getenv("MODELWIRE_API_KEY"))));
    } finally {
      channel.shutdownNow();
    }
  }

  static ClientInterceptor withKey(String key) {
    Metadata headers = new Metadata();
    if (key != null) {
      headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + key);
    }
    return MetadataUtils.newAttachHeadersInterceptor(headers);
  }

  static void tour(Channel channel) throws InvalidProtocolBufferException {
    listModels(channel);
    complete(channel);
    stream(channel);
    answerTool(channel, callTool(channel));
    embed(channel);
    readError(channel);
    keepDeadline(channel);
    cancelStream(channel);
  }

  static void listModels(Channel channel) {
    var models = ModelServiceGrpc.newBlockingStub(channel);
    List<String> ids = new ArrayList<>();
    var request = ListModelsRequest.newBuilder().setPageSize(1);
    do {
      ListModelsResponse page = models.listModels(request.build());
      page.getModelsList().forEach(model -> ids.add(model.getId()));
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    System.out.println("models: " + String.join(", ", ids));
  }

  static void complete(Channel channel) {
    // [chat]
    var chat = ChatServiceGrpc.newBlockingStub(channel);
    var request = CreateChatCompletionRequest.newBuilder()
        .setModel("smollm2-135m-instruct")
        .addMessages(ChatMessage.newBuilder().setRole(Role.ROLE_USER).setText("Say hello to me."))
        .setMaxCompletionTokens(24)
        .setTemperature(0);
    ChatChoice choice = chat.createChatCompletion(request.build()).getChoices(0);
    System.out.printf("chat: %s (%s)%n", choice.getMessage().getText().replace("\n", " "), choice.getFinishReason());
    // [end]
  }

  /** Folds the text of the first choice; the comment of ChatCompletionChunk has the rule for all fields. */
  static void stream(Channel channel) {
    var chat = ChatServiceGrpc.newBlockingStub(channel);
    StringBuilder text = new StringBuilder();
    chat.streamChatCompletion(asking(user("Say hello to me.")).build()).forEachRemaining(chunk -> {
      for (ChatChoiceDelta choice : chunk.getChoicesList()) {
        if (choice.getIndex() == 0) {
          text.append(choice.getDelta().getText());
        }
      }
    });
    System.out.println("stream: " + text.toString().replace("\n", " "));
  }

  /** Returns the conversation so far. */
  static List<ChatMessage> callTool(Channel channel) {
    var chat = ChatServiceGrpc.newBlockingStub(channel);
    ChatMessage question = user("What is the weather in Paris?");
    var request = asking(question).addTools(WEATHER).setToolChoice(ToolChoice.newBuilder().setFunction("get_weather"));
    ChatMessage answer = chat.createChatCompletion(request.build()).getChoices(0).getMessage();
    FunctionCall call = answer.getToolCalls(0).getFunction();
    System.out.printf("tool call: %s(%s)%n", call.getName(), call.getArguments());
    return List.of(question, answer);
  }

  static void answerTool(Channel channel, List<ChatMessage> conversation) {
    var chat = ChatServiceGrpc.newBlockingStub(channel);
    var result = ChatMessage.newBuilder()
        .setRole(Role.ROLE_TOOL)
        .setToolCallId(conversation.get(1).getToolCalls(0).getId())
        .setText("{\"celsius\": 21}");
    var request = asking().addAllMessages(conversation).addMessages(result).addTools(WEATHER);
    ChatMessage answer = chat.createChatCompletion(request.build()).getChoices(0).getMessage();
    System.out.println("tool answer: " + answer.getText().replace("\n", " "));
  }

  static void embed(Channel channel) {
    var embeddings = EmbeddingServiceGrpc.newBlockingStub(channel);
    var request = CreateEmbeddingsRequest.newBuilder()
        .setModel("all-minilm-l6-v2")
        .addAllInputs(List.of("Hello", "Goodbye"));
    List<Embedding> vectors = embeddings.createEmbeddings(request.build()).getEmbeddingsList();
    System.out.printf("embeddings: %d vectors of %d values%n", vectors.size(), vectors.get(0).getValuesCount());
  }

  static void readError(Channel channel) throws InvalidProtocolBufferException {
    var chat = ChatServiceGrpc.newBlockingStub(channel);
    // [error]
    try {
      chat.createChatCompletion(asking(user("Say hello to me.")).setTemperature(3).build());
    } catch (StatusRuntimeException e) {
      for (Any detail : StatusProto.fromThrowable(e).getDetailsList()) {
        if (detail.is(BadRequest.class)) {
          var field = detail.unpack(BadRequest.class).getFieldViolations(0);
          System.out.printf("error: %s %s: %s%n", e.getStatus().getCode(), field.getField(), field.getDescription());
        }
      }
    }
    // [end]
  }

  static void keepDeadline(Channel channel) {
    var chat = ChatServiceGrpc.newBlockingStub(channel);
    try {
      chat.withDeadlineAfter(50, TimeUnit.MILLISECONDS).createChatCompletion(story());
    } catch (StatusRuntimeException e) {
      System.out.println("deadline: " + e.getStatus().getCode());
    }
  }

  /** Calls made in a context end when it is cancelled. */
  static void cancelStream(Channel channel) {
    var chat = ChatServiceGrpc.newBlockingStub(channel);
    Context.CancellableContext context = Context.current().withCancellation();
    try {
      context.run(() -> {
        Iterator<ChatCompletionChunk> chunks = chat.streamChatCompletion(story());
        while (chunks.hasNext()) {
          if (chunks.next().getChoicesList().stream().anyMatch(choice -> !choice.getDelta().getText().isEmpty())) {
            context.cancel(null);
          }
        }
      });
    } catch (StatusRuntimeException e) {
      System.out.println("cancel: " + e.getStatus().getCode());
    }
  }

  static CreateChatCompletionRequest.Builder asking(ChatMessage... messages) {
    return CreateChatCompletionRequest.newBuilder()
        .setModel("smollm2-135m-instruct")
        .addAllMessages(List.of(messages))
        .setMaxCompletionTokens(24)
        .setTemperature(0);
  }

  static ChatMessage user(String text) {
    return ChatMessage.newBuilder().setRole(Role.ROLE_USER).setText(text).build();
  }

  static CreateChatCompletionRequest story() {
    return asking(user("Tell me a long story.")).clearMaxCompletionTokens().build();
  }
}
