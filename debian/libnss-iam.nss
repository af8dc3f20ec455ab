passwd after=files iam
group after=files iam
