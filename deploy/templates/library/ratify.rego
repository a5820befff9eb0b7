package lib.ratify

import future.keywords.if
import future.keywords.in

# Where the Pod stands in a Pod, a workload, a CronJob and a PodTemplate.
places := [
  ["spec"],
  ["spec", "template", "spec"],
  ["spec", "jobTemplate", "spec", "template", "spec"],
  ["template", "spec"],
]

# Every image of an object: {"where", "image"}, from containers of all three sorts and from image volumes.
# Nothing that the object says of itself (annotations, owners, replicas, deletion) leaves an image out.
images(document) := found if {
  containers := {source |
    some pod in pods(document)
    some list in ["containers", "initContainers", "ephemeralContainers"]
    some container in object.get(pod, list, [])
    source := {"where": place(list, container), "image": object.get(container, "image", "")}
  }
  volumes := {source |
    some pod in pods(document)
    some volume in object.get(pod, "volumes", [])
    image := object.get(volume, "image", null)
    image != null
    source := {"where": place("volumes", volume), "image": object.get(image, "reference", "")}
  }
  found := containers | volumes
}

pods(document) := {pod |
  some path in places
  pod := object.get(document, path, null)
  is_object(pod)
}

# The images that have to be verified: all, save those that an update leaves where they are, in the same list under the same name.
# A deletion admits nothing.
judged(review, parameters) := found if {
  review.operation == "UPDATE"
  object.get(parameters, "verifyUnchanged", false) == false
  is_object(review.oldObject)
  found := images(review.object) - images(review.oldObject)
}

else := set() if review.operation == "DELETE"

else := images(review.object) if is_object(review.object)

else := set()

is_deletion(review) if review.operation == "DELETE"

place(list, item) := sprintf("%s[%s]", [list, item.name]) if is_string(item.name)

else := list

# Brackets only around an IPv6 address, which has a colon and so is never the name of a namespace.
is_reference(image) if {
  is_string(image)
  regex.match("^(\\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\\])?[^\\[\\]\\s]+$", image)
}

is_namespace(name) if {
  is_string(name)
  regex.match("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", name)
}

is_digest(image) if regex.match("@sha(256:[a-f0-9]{64}|512:[a-f0-9]{128})$", image)

is_true(value) if value == true

# The namespace as the API server says it; the object's own word for it may be missing.
namespace(review) := object.get(review, "namespace", "")

# What the provider is asked for one image: the reference, or [namespace]reference.
key(image, _, false) := image

key(image, review, true) := concat("", ["[", namespace(review), "]", image])

keys(review, parameters, namespaced) := {asked |
  usable(review, namespaced)
  some source in judged(review, parameters)
  is_reference(source.image)
  asked := key(source.image, review, namespaced)
}

usable(_, false)

usable(review, true) if is_namespace(namespace(review))

# Exactly one answer, no error beside it, and succeeded is the boolean true. Anything else is no verification.
verified(response, asked) if {
  response.system_error == ""
  response.status_code in {0, 200}
  count(errors(response, asked)) == 0
  values := answers(response, asked)
  count(values) == 1
  is_true(values[0].succeeded)
}

answers(response, asked) := [pair[1] |
  some pair in response.responses
  pair[0] == asked
]

errors(response, asked) := [pair[1] |
  some pair in response.errors
  pair[0] == asked
]

value(response, asked) := answers(response, asked)[0]

# Why an image is not verified. The last line is always there, so that a refusal never lacks its sentence.
why(response, asked) := sprintf("the provider could not be asked: %s", [response.system_error]) if {
  is_string(response.system_error)
  response.system_error != ""
}

else := sprintf("%s", [errors(response, asked)[0]]) if is_string(errors(response, asked)[0])

else := sprintf("%s: %s", [failure.code, failure.message]) if {
  failure := value(response, asked).failure
  is_string(failure.code)
  is_string(failure.message)
}

else := "verification did not succeed" if value(response, asked).succeeded == false

else := "the provider gave no verdict for it"

has_images(review) if count(images(review.object)) > 0

# What must hold whatever else a template asks for.
refusals(review, parameters, response, namespaced) := found if {
  no_images := {msg |
    not is_deletion(review)
    not has_images(review)
    msg := "denied: no image is named where a Pod or a pod template has its containers"
  }
  no_namespace := {msg |
    not is_deletion(review)
    not usable(review, namespaced)
    msg := "denied: the object has no namespace, so the rules that apply to it are unknown"
  }
  no_references := {msg |
    some source in judged(review, parameters)
    not is_reference(source.image)
    msg := sprintf("denied: %v of %s: REF_INVALID: it names no image that could be verified", [source.image, source.where])
  }
  no_digests := {msg |
    object.get(parameters, "requireDigest", false) != false
    some source in judged(review, parameters)
    is_reference(source.image)
    not is_digest(source.image)
    msg := sprintf("denied: %s of %s is not named by its digest", [source.image, source.where])
  }
  unverified := {msg |
    usable(review, namespaced)
    some source in judged(review, parameters)
    is_reference(source.image)
    asked := key(source.image, review, namespaced)
    not verified(response, asked)
    msg := sprintf("denied: %s of %s: %s", [source.image, source.where, why(response, asked)])
  }
  found := (((no_images | no_namespace) | no_references) | no_digests) | unverified
}

# The parameter of the templates that know both kinds of key; only false and absence mean plain references.
namespaced(parameters) := object.get(parameters, "namespaced", false) != false

# Whether the answer has every report; a provider leaves out what would make it too large, and that may be the one that forbids.
is_whole(value) if object.get(value, "leftOut", 0) == 0

# The lists of reports that have to be acceptable, each by itself: of an image for several platforms that of every manifest that was
# judged; else that of the image, with what is attached to its index where the index spoke for it.
subjects(value) := array.concat(found, unseen) if {
  found := [report.artifactReports |
    some report in reports(value)
    is_string(report.platform)
    report.platform != "index"
    is_string(report.decision)
  ]
  count(found) > 0
  # What was left out may be a whole manifest: it stands there with nothing, which is never acceptable.
  unseen := [[] | not is_whole(value)]
}

else := [array.concat(reports(value), of_index)] if {
  of_index := [below |
    some report in reports(value)
    report.platform == "index"
    some below in report.artifactReports
  ]
}

reports(value) := value.artifactReports if is_array(value.artifactReports)

else := []

# A list of texts among the parameters, or one text.
texts(parameters, many, one) := {text |
  some text in array.concat(object.get(parameters, many, []), [object.get(parameters, one, "")])
  is_string(text)
  text != ""
}

# Ratify v2 has no outcome and tells a failure by its errorReason; pyratify has both.
passed(result) if {
  object.get(result, "outcome", "PASSED") == "PASSED"
  object.get(result, "errorReason", "") == ""
}

by(result, names) if result.verifierName in names

# An empty set of names stands for every verifier.
by(_, names) if count(names) == 0

# The details of a result, which are the text of a JSON object.
detail(result) := found if {
  json.is_valid(result.detail)
  found := json.unmarshal(result.detail)
  is_object(found)
}
