"""Do models, data sets, prompts or readouts differ in when they know what they see?"""
